"""The command `export`: write a network as an ONNX graph, in float32 or int8."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.filesize import decimal

from ..errors import UsageError
from ..private_folders import private_folder
from .options import data_folders
from .terminal import console, say

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..models.base import Segmenter

__all__ = ["export"]

COLOUR = re.compile(r"\x1b(\[[0-9;]*m?)?")  # an escape of a terminal; the end of a message may cut it off


def export(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A model with its weights, such as segformer-b0@FILE or onnx:FILE.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="The graph, FILE.onnx.")],
    int8: Annotated[bool, typer.Option("--int8", help="Quantise weights and activations.")] = False,
    calibrate: Annotated[
        str | None,
        typer.Option(metavar="NAME=PATH", help="For int8: the dataset whose training images give the ranges."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of these images; never one that is scored.")] = "train",
    images: Annotated[int, typer.Option(min=1, help="How many of them, evenly spaced.")] = 64,
    view: Annotated[str, typer.Option(help="How the graph will see images: whole, pad-32, slide-CROP-STRIDE, ...")] = (
        "whole"
    ),
    method: Annotated[
        Literal["MinMax", "Percentile", "Entropy"], typer.Option(help="How ranges follow from activations.")
    ] = "MinMax",
) -> None:
    """Write a model as an ONNX graph, which `--model onnx:FILE` reads; with --int8 quantised by onnxruntime."""
    import torch

    from ..models import load_source
    from ..models.onnx import OnnxSegmenter
    from ..models.source import Source
    from ..quantisation import Calibration, Scheme, quantise
    from ..store.view import View

    if out.suffix.lower() != ".onnx":
        raise UsageError(f"--out {out}: the graph is a file FILE.onnx")
    if int8 != (calibrate is not None):
        raise UsageError("--int8 needs training images, and nothing else does: --int8 --calibrate NAME=PATH")
    dataset = calibration_data(calibrate, split) if calibrate else None
    calibration = Calibration(dataset=dataset, images=images, view=View.parse(view)) if dataset else None
    place, cpu = Source.parse(source), torch.device("cpu")
    model = load_source(place, place.default_name, dataset.class_names if dataset else (), cpu)
    if calibration is None:
        write_float(model, out)
        say(f"wrote {out} ({decimal(out.stat().st_size)})")
        return
    with private_folder() as folder, console.status("calibrating"):
        path = Path(place.weights or "")
        if place.model != "onnx":
            path = folder / "float.onnx"
            write_float(model, path)
            model = load_source(Source(model="onnx", weights=str(path)), model.name, model.class_names, cpu)
        assert isinstance(model, OnnxSegmenter)
        made = quantise(model, path, calibration, Scheme(method=method), out, say)
    say(f"wrote {out} ({decimal(out.stat().st_size)}): {made}")


def write_float(model: "Segmenter", out: Path) -> None:
    """Write the float graph. Raises what `float_graph` raises, without the colours that torch gives to its reasons."""
    from ..quantisation import float_graph

    try:
        float_graph(model, out)
    except UsageError as error:
        raise UsageError(COLOUR.sub("", str(error))) from None


def calibration_data(text: str, split: str) -> "Dataset":
    """Open the data set of --calibrate: NAME=PATH, or the name of one that is embedded."""
    from ..datasets import DATASETS, open_split

    alone = text in DATASETS and not DATASETS[text].needs_folder
    folders = {} if alone else data_folders([text], "--calibrate")
    return open_split(next(iter(folders), text), split, folders)
