"""Labeled images from any source, in batches for training and evaluation."""
