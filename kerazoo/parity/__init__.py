"""The Keras ports compared with the TF1 programs, on the same weights and images."""
