"""Training a model of the zoo: the recipe, the loop, the device and the run folder."""
