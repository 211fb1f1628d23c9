"""The networks, one file a family; a file put here is found by its registered names."""
