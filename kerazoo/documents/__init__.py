"""The ledger: every number and formula of the study notes, recomputed by kerazoo itself."""
