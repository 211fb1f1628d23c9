"""The TF1 programs beside their Keras ports: the same weights and images, the same numbers."""
