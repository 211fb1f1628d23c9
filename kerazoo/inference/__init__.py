"""Classification of image files with the weights that come with kerazoo."""
