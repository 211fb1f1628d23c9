"""Training: options, the loop, checkpoints, run directories, several workers."""
