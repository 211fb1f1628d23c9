"""What the table of a model can show, by name."""

EXTRA_COLUMNS = ("backward_macs", "dtype", "kernel", "share", "trainable")
GROUPS = ("layer", "type")
