"""A leaderboard over many stores: static pages of models that were measured alike."""
