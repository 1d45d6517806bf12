"""Training: a recipe in, weights out; one loop for every model."""
