"""The program: its commands in the order of `--help`, and how it ends."""

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import typer

from ..errors import RobustBenchError
from ..files import expanded
from ..plugin import import_file
from ..stopping import unbroken
from .check import check
from .corrupt import corrupt
from .listing import list_kind
from .options import Plugins
from .report import compare, report
from .run import plan, run
from .train import train

__all__ = ["app", "run_program"]

COMMANDS: dict[str, Callable[..., None]] = {
    "run": run,
    "plan": plan,
    "check": check,
    "report": report,
    "compare": compare,
    "corrupt": corrupt,
    "train": train,
    "list": list_kind,
}


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option --plugin to a command: Python files that are imported before it reads anything."""

    @wraps(command)
    def importing(plugins: list[Path] | None = None, **values: Any) -> None:
        for path in plugins or ():
            import_file(path)
        command(**values)

    signature = inspect.signature(command)
    option = inspect.Parameter("plugins", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Plugins)
    vars(importing)["__signature__"] = signature.replace(parameters=[*signature.parameters.values(), option])
    importing.__annotations__ = {**command.__annotations__, "plugins": Plugins}
    return importing


def at_home(command: Callable[..., None]) -> Callable[..., None]:
    """Let the paths of a command begin with `~`, which shells leave as it is in --out=~/results."""

    def home(value: Any) -> Any:
        if isinstance(value, list):
            return [home(one) for one in value]
        return Path(expanded(str(value))) if isinstance(value, Path) else value

    @wraps(command)
    def expanding(**values: Any) -> None:
        command(**{name: home(value) for name, value in values.items()})

    return expanding


app = typer.Typer(
    name="robustbench-seg",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="How far can a semantic-segmentation model be trusted when the image is not clean?",
)
for name, command in COMMANDS.items():
    app.command(name)(at_home(with_plugins(command)))


def run_program() -> NoReturn:
    """Run the command line; a user's error becomes one line on stderr and status 2."""
    try:
        status = app(args=sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except Exception as error:
        with unbroken():  # a stop that is under way goes first: it may have caused the error
            if not is_for_users(error):
                raise
            message = error.format_message() if hasattr(error, "format_message") else str(error)
            fail(message.replace("Value error, ", ""), 2)  # pydantic's words, which some versions of typer pass on
    sys.exit(status)


def is_for_users(error: Exception) -> bool:
    """Whether an error's text is meant for a user: an error of this program, of segformer (by name, without torch), of
    typer, or of the system over a file.
    """
    return (
        isinstance(error, (RobustBenchError, OSError))
        or type(error).__name__ == "CheckpointError"
        or hasattr(error, "format_message")
    )


def fail(message: str, status: int) -> NoReturn:
    """End with one line on stderr."""
    sys.stderr.write(f"robustbench-seg: {' '.join(message.split())}\n")
    sys.exit(status)
