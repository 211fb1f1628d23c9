"""Labelled images, from whichever source, as batches for training and evaluation."""
