"""Benchmarks of speed, in which kerazoo and other programs run in turn."""
