"""Eleven networks as one author wrote them anew and trained them alike; they differ from the papers' in places."""

from . import adscnet, cfpnet, cgnet, dabnet, edanet, enet, espnet, fddwnet, fpenet, fssnet, mininetv2

__all__ = [
    "adscnet", "cfpnet", "cgnet", "dabnet", "edanet", "enet", "espnet", "fddwnet", "fpenet", "fssnet", "mininetv2",
]  # fmt: skip
