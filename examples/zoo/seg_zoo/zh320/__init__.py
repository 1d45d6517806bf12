"""Eleven networks as one author wrote them anew and trained them alike; they differ from the papers' in places."""
