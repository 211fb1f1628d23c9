"""Weights from one library to another, checked by running both networks."""
