"""Blocks by a regular expression in the ids of images."""

import re

__all__ = ["block_of", "found_by"]


def block_of(pattern: str, image_id: str) -> str:
    """What a regular expression finds in an id, without its condition; the id where it finds nothing, or no letter."""
    match = re.search(pattern, image_id.rpartition("/")[2]) if pattern else None
    return (match and found_by(match)) or image_id


def found_by(match: re.Match[str]) -> str:
    """The groups of a match that are not empty, joined by hyphens; without groups, all of it."""
    return "-".join(group for group in match.groups() if group) or match[0]
