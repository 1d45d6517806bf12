"""Options that several commands share, and the reading of values that have several parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import UsageError
from ..files import expanded
from ..wording import repeated

__all__ = [
    "Address",
    "BatchNorm",
    "BatchSize",
    "Cache",
    "Corruptions",
    "Data",
    "Device",
    "EngineName",
    "Full",
    "Limit",
    "LogTo",
    "Models",
    "Plugins",
    "Precision",
    "Protocol",
    "Quiet",
    "Seeds",
    "Severities",
    "ShardText",
    "Split",
    "SuiteName",
    "Views",
    "VoidRule",
    "Weights",
    "Workers",
    "data_folders",
    "naming",
    "once",
    "pairs_of",
    "weights_given",
    "words",
]

Data = Annotated[list[str] | None, typer.Option(metavar="NAME=PATH", help="Folder of a dataset; repeatable.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH", help="Weights of a model (a name of `list models`, alone or with -SUFFIX); repeatable."
    ),
]
SuiteName = Annotated[
    str | None,
    typer.Argument(
        metavar="SUITE",
        help="A shipped suite (see `list suites`) or a YAML file; without one, a protocol on the data of --data.",
    ),
]
Full = Annotated[bool, typer.Option("--full", help="The larger version of a suite that has one: of demo.")]
Protocol = Annotated[
    str | None,
    typer.Option(help="Corruptions and severities (see `list protocols`); without a suite, segformer."),
]
Corruptions = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,...", help="Instead of the protocol's corruptions; separate by commas, or repeat."),
]
Severities = Annotated[
    list[str] | None,
    typer.Option(metavar="1,...,5", help="Instead of the protocol's severities (or of 1 to 5, if it has none)."),
]
Views = Annotated[
    list[str] | None,
    typer.Option("--view", metavar="VIEW", help="Instead of the suite's: whole, slide-CROP-STRIDE, ...; repeatable."),
]
BatchNorm = Annotated[
    list[str] | None,
    typer.Option(
        metavar="stored,reestimated",
        help="Statistics of BatchNorm, instead of the suite's; reestimated: on 32 images of each condition, or the "
        "suite's number (transductive: a diagnosis and no fair score).",
    ),
]
Seeds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="0,1,...",
        help="A draw of each corruption for each; what draws nothing (clean, contrast, ...) is measured once.",
    ),
]
Split = Annotated[str | None, typer.Option(help="Instead of the suite's; without a suite, val or test.")]
VoidRule = Annotated[
    Literal["ignored", "counted"] | None,
    typer.Option(
        "--void",
        help="Predictions on pixels without a label: ignored, or counted as wrong (mIoU alone, in separate tables).",
    ),
]
Precision = Annotated[Literal["fp32", "bf16", "fp16"], typer.Option(help="Of the forward pass.")]
LogTo = Annotated[
    str | None,
    typer.Option(
        metavar="tensorboard:DIR|wandb:PROJECT|mlflow:URI", help="Where each cell's mIoU and the headlines go, too."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but what is wrong.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="[NAME=]SOURCE",
        help="Model in the place of the suite's, such as hf:FOLDER, onnx:FILE or net.py:build@weights.pth; repeatable.",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Processes that load images; by default one per four cores on a CPU, at most 8; with a GPU all cores but "
        "two, at least half and at most 16. They change no number.",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch",
        min=1,
        help="Images of one size that go through a model together; by default 1 on a CPU, and on a GPU as many as fit "
        "into its memory, 16 at most.",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder where decoded images are kept until the run ends, up to 90 % of its free disk, so that each is "
        "decoded once; by default in the folder of temporary files, up to half of the free memory.",
    ),
]
EngineName = Annotated[
    Literal["local", "ray"],
    typer.Option(
        "--engine", help="Where sweeps are measured: by this process, or on all nodes of a Ray cluster (extra ray)."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="Of the Ray cluster, HOST:PORT or auto; by default Ray is started on this machine."),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N|all",
        help="Measure part K of N of the plan; by default all of it, or this task's part under Slurm or torchrun.",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Python file that is imported first: its decorators register what is your own; repeatable.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only so many images, evenly spaced.")]


def data_folders(data: list[str] | None, option: str = "--data") -> dict[str, Path]:
    """Read --data: the folders of data sets by name."""
    return {name: Path(expanded(path)) for name, path in pairs_of(option, data).items()}


def weights_given(weights: list[str] | None) -> dict[str, str]:
    """Read --weights: paths, or words in the place of a path, by model name."""
    return {name: expanded(path) for name, path in pairs_of("--weights", weights).items()}


def pairs_of(option: str, values: list[str] | None, form: str = "NAME=PATH") -> dict[str, str]:
    """Read the values of a repeatable option that have two parts, such as NAME=PATH."""
    read = {}
    for value in values or ():
        name, equals, path = value.partition("=")
        if not (name and equals and path):
            raise UsageError(f"{option} takes {form}, got {value!r}")
        if name in read:
            raise UsageError(f"{option} {name} is given twice")
        read[name] = path
    return read


def words(option: str, values: list[str] | None) -> list[str]:
    """Read the values of a repeatable option whose values may also be separated by commas or spaces.

    Raises UsageError for an option without a value, and for one that comes twice.
    """
    all_words: list[str] = []
    for value in values or ():
        if not (several := value.replace(",", " ").split()):
            raise UsageError(f"{option} is given but names nothing, got {value!r}")
        all_words += several
    return once(option, all_words)


def once(option: str, values: list[str]) -> list[str]:
    """Give the values of an option back. Raises UsageError for one that comes twice."""
    if again := repeated(values):
        raise UsageError(f"{option} {again[0]} is given twice")
    return values


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Name the option in the error of what it was given."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
