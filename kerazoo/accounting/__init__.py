"""What any Keras model costs: parameters, operations, memory, receptive fields."""
