"""Figures of what the study notes explain."""
