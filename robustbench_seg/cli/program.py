"""The program: its commands in the order of `--help`, and how it ends."""

import inspect
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from .. import __version__
from ..errors import RobustBenchError, exit_in_words
from ..files import expanded
from ..plugin import import_file
from ..stopping import is_unread, unbroken
from .check import check
from .command import Command
from .corrupt import corrupt
from .export import export
from .listing import list_kind
from .merge import merge
from .options import Plugins, Quiet
from .plan import plan
from .report import compare, report
from .run import run
from .slurm import EXTRA, USAGE, slurm
from .terminal import quietly, say
from .train import train
from .verify import verify
from .worst import worst

__all__ = ["app", "run_program"]

COMMANDS: dict[str, Callable[..., None]] = {
    "run": run,
    "plan": plan,
    "check": check,
    "report": report,
    "compare": compare,
    "worst": worst,
    "verify": verify,
    "merge": merge,
    "corrupt": corrupt,
    "train": train,
    "export": export,
    "list": list_kind,
}
QUIET = ("run", "corrupt", "train", "export", "report")  # those that write files


def with_option(
    command: Callable[..., None], name: str, annotation: Any, around: Callable[[Any], AbstractContextManager[None]]
) -> Callable[..., None]:
    """Add an option to a command; around: what its value means for the command, which runs inside it."""

    @wraps(command)
    def inside(**values: Any) -> None:
        with around(values.pop(name)):
            command(**values)

    signature = inspect.signature(command)
    option = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
    vars(inside)["__signature__"] = signature.replace(parameters=[*signature.parameters.values(), option])
    inside.__annotations__ = {**command.__annotations__, name: annotation}
    return inside


@contextmanager
def with_plugins(paths: list[Path] | None) -> Iterator[None]:
    """Import Python files before a command reads anything."""
    for path in paths or ():
        import_file(path)
    yield


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
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for name, command in COMMANDS.items():
    full = with_option(command, "plugins", Plugins, with_plugins)
    app.command(name, cls=Command)(at_home(with_option(full, "quiet", Quiet, quietly) if name in QUIET else full))
# It passes --plugin and --quiet on to `run`.
app.command("slurm", cls=Command, context_settings=EXTRA, options_metavar=USAGE)(slurm)


def show_version(version: bool) -> None:
    if version:
        say(f"robustbench-seg {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """How far can a semantic-segmentation model be trusted when the image is not clean?"""


def run_program() -> NoReturn:
    """Run the command line; a user's error becomes one line on stderr and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # also into a pipe, whose reader waits for each line
    try:
        status = app(args=sys.argv[1:] or ["--help"], standalone_mode=False) or 0
    except SystemExit as end:
        if is_unread(end):
            raise
        with unbroken():  # as below
            fail(exit_in_words(end), 2)  # code of a user's own would choose the status, such as 0
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
