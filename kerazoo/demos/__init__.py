"""The documents' small snippets as Keras code, and their pictures."""
