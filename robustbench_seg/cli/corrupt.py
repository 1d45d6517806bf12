"""The command `corrupt`: write corrupted images as files."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import UsageError
from ..wording import counted
from .options import Corruptions, Data, Limit, Severities, data_folders, words
from .terminal import console, say

__all__ = ["corrupt"]


def corrupt(  # noqa: PLR0913 (each is an option of the command)
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset (see `list datasets`).")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the images; an export that was stopped resumes there.")],
    data: Data = None,
    split: Annotated[str | None, typer.Option(help="The default is the split for evaluation: val or test.")] = None,
    protocol: Annotated[str, typer.Option(help="Its corruptions and severities (see `list protocols`).")] = "segformer",
    corruptions: Corruptions = None,
    severities: Severities = None,
    file_format: Annotated[
        Literal["png", "webp"],
        typer.Option("--format", help="Both are lossless; webp is smaller and takes longer."),
    ] = "png",
    seed: Annotated[
        int, typer.Option(min=0, help="Decides every draw, together with corruption, severity and image.")
    ] = 0,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that corrupt; by default one per core, at most 16.")
    ] = None,
    limit: Limit = None,
) -> None:
    """Write corrupted images as files in Cityscapes' layout, under OUT/<corruption>/<severity>."""
    from ..datasets import open_split, spaced
    from ..datasets.first_pass import expect_sound
    from ..environment import available_cores
    from ..export import Export, choose_conditions, export_images
    from .corrupt_progress import CorruptProgress

    conditions = choose_conditions(
        protocol, words("--corruptions", corruptions), words("--severities", severities), seed
    )
    folders = data_folders(data)
    unused = next((name for name in folders if name not in dataset.split("+")), None)
    if unused is not None:
        raise UsageError(f"--data {unused}: the dataset is {dataset}")
    images = open_split(dataset, split, folders)
    expect_sound(images)
    ids = spaced(images.ids, limit)
    export = Export(dataset=images, ids=ids, conditions=conditions, format=file_format, out=out)
    with CorruptProgress(console, len(ids)) as progress:
        export_images(export, min(16, available_cores()) if workers is None else workers, progress)
    say(
        f"{counted(len(conditions), 'condition')} of {counted(len(ids), 'image')} "
        f"{'is' if len(conditions) == 1 else 'are'} in {out}; "
        f"each is a folder for --data cityscapes=PATH, with split {images.split}"
    )
