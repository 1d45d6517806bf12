"""The terminal output of every command."""

from rich.console import Console

__all__ = ["console", "say"]

console = Console(emoji=False)  # a file may be named :car:.png


def say(text: str, style: str | None = None) -> None:
    """Print plain text. Outside a terminal, lines are not wrapped."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal)
