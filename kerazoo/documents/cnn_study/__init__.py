"""cnn-study: the long study notes, one module a chapter."""
