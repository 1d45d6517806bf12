"""How numbers read in sentences for people."""

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Put a number before a noun whose plural ends in s: "1 image", "2 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
