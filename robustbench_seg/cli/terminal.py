"""The terminal output of every command."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

__all__ = ["console", "quietly", "say", "warn"]

console = Console(emoji=False)  # a file may be named :car:.png


def say(text: str, style: str | None = None) -> None:
    """Print plain text. Outside a terminal, lines are not wrapped."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def warn(text: str) -> None:
    """Print a fault: like any text, but with --quiet on stderr."""
    if console.quiet:
        sys.stderr.write(f"{text}\n")
    else:
        say(text, style="bold red")


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """Print nothing but faults in a block, if asked."""
    before, console.quiet = console.quiet, quiet
    try:
        yield
    finally:
        console.quiet = before
