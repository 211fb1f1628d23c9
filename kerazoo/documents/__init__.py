"""Every number and formula that the study documents state, recomputed by the library itself."""
