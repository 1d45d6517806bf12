"""Train a model from a recipe, with one loop for every model."""
