"""Weights from one library to another, checked by running both networks."""

DOWNLOAD = "keras.applications:"  # before the name of a network to download
