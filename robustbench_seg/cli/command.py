"""A command of the program, which refuses empty values: a shell writes "" for a variable that is not set."""

from typing import Any

import typer
from typer.core import TyperCommand

from ..errors import UsageError

__all__ = ["Command"]


class Command(TyperCommand):
    """A command whose arguments and options have no empty value: as a path it would be the working folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises UsageError for an empty one, BadParameter for one that can't be."""
        given, _, _ = self.make_parser(ctx).parse_args([*args])
        for parameter in self.get_params(ctx):
            value = given.get(parameter.name or "")
            words = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(word, str) and not word.strip() for word in words):
                option = parameter.opts[0]
                name = option if option.startswith("-") else parameter.metavar or option.upper()
                raise UsageError(f"{name}: must not be empty; is a variable of the shell not set?")
        try:
            return list(super().parse_args(ctx, args))
        except typer.BadParameter as error:
            value = given.get(error.param.name or "") if error.param else None
            if isinstance(value, str) and value not in error.message:  # some versions of typer leave it out
                error.message = f"{value}: {error.message}"
            raise
