"""The small TensorFlow 1 snippets of the study notes as Keras models."""
