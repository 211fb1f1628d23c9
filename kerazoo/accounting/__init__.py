"""Cost of any Keras model: parameters, operations, memory, receptive fields."""
