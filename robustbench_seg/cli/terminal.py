"""The terminal: where every command prints."""

from rich.console import Console

__all__ = ["console", "say"]

console = Console(emoji=False)  # a file may be named :car:.png


def say(text: str, style: str | None = None) -> None:
    """Print plain text; where it is not a terminal, a line stays a line."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal)
