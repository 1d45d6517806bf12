"""Corrupted images on disk: for each condition a tree in Cityscapes' own layout, which the adapter `cityscapes` reads.

    DIR/manifest.json                       data set, classes, fingerprint, seed, engine version, format, versions
    DIR/gtFine/...                          the labels, once
    DIR/<corruption>/<severity>/
        manifest.json                       the same and the condition, so that a tree can be taken away by itself
        leftImg8bit/<split>/<city>/<id>_leftImg8bit.png or .webp
        gtFine/<split>/<city>/<id>_gtFine_labelTrainIds.png
        sha256sums.txt                      of every image and label, written last: `sha256sum -c sha256sums.txt`

The pixels are those that `run` corrupts on the fly. A tree's labels are hard links to DIR/gtFine, since they are the
same under every condition: they take no room, and unlike symbolic links they survive when a tree is moved or copied.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from rich.filesize import decimal

from . import environment
from .condition import Condition, prepare
from .corruptions import CORRUPTIONS, ENGINE_VERSION, SEVERITIES
from .datasets import Dataset
from .datasets.base import LabelMap, Sample, png, webp
from .datasets.cityscapes import MADE_BY, MANIFEST, read_manifest, relative_paths
from .errors import DataError, MachineError, StoreError, UsageError
from .estimate import Estimate, Task, estimate
from .files import locked, write_bytes, write_json, write_text
from .loading import Loader
from .protocols import conditions_of

__all__ = ["Export", "Listener", "choose_conditions", "export_images"]

ENCODERS = {"png": png, "webp": webp}
CHECKSUMS = "sha256sums.txt"
SCHEMA_VERSION = 1  # of the manifest
# What two exports must agree in to share a folder; whatever else the manifest tells follows from it or is for people.
IDENTITY = ("schema_version", "dataset", "split", "images", "fingerprint", "seed", "engine_version", "format")


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is asked for: these images of a data set, under these conditions, in this format, in the folder `out`."""

    dataset: Dataset
    ids: tuple[str, ...]
    conditions: tuple[Condition, ...]
    seed: int
    format: Literal["png", "webp"]
    out: Path

    def tree(self, condition: Condition) -> Path:
        """The folder of a condition, itself a data set's root."""
        return self.out / condition.corruption / str(condition.severity)

    def paths(self, image_id: str) -> tuple[Path, Path]:
        """Where the image and the label lie in a tree. In Cityscapes an id begins with its city."""
        name = self.dataset.name
        city = image_id.partition("_")[0] if name == "cityscapes" else name
        return relative_paths(self.dataset.split, city or name, image_id, self.format, "labelTrainIds")

    def manifest(self) -> dict[str, Any]:
        """Say in plain JSON what decides the files, and what their reader must know of the data set."""
        dataset = self.dataset
        return {
            "made_by": MADE_BY,
            "schema_version": SCHEMA_VERSION,
            "dataset": dataset.name,
            "split": dataset.split,
            "images": len(self.ids),
            "of": len(dataset.ids),
            "fingerprint": dataset.fingerprint(self.ids),
            "seed": self.seed,
            "engine_version": ENGINE_VERSION,
            "format": self.format,
            "class_names": list(dataset.class_names),
            "palette": [list(colour) for colour in dataset.palette],
            "shows_images": dataset.shows_images,
            "synthetic": dataset.synthetic,
        }


class Listener:
    """Is told how an export goes; this one does not listen."""

    def planned(self, conditions: int, incomplete: int, rest: Estimate) -> None:
        """So many of the trees asked for are incomplete, though they may hold images; `rest` is about to be made."""

    def image(self) -> None:
        """One more image of an incomplete tree is there, with its checksum."""


def choose_conditions(
    protocol: str, corruptions: Sequence[str], severities: Sequence[str], seed: int
) -> tuple[Condition, ...]:
    """List a protocol's conditions; where corruptions or severities are named, with these instead of the protocol's.

    A corruption that the protocol lacks has all five severities. Raises UsageError for an unknown name or severity.
    """
    for what, given, allowed in (
        ("corruptions", corruptions, CORRUPTIONS),
        ("severities", severities, [str(severity) for severity in SEVERITIES]),
    ):
        for word in given:
            if word not in allowed:
                raise UsageError(f"--{what}: {word!r} is none of {', '.join(allowed)}")
    known = conditions_of(protocol)
    if not (known or corruptions):
        raise UsageError(f"protocol {protocol} has no corruptions; name some with --corruptions")
    return tuple(
        Condition(name, severity, seed)
        for name in dict.fromkeys(corruptions or known)
        for severity in sorted(set(map(int, severities)) or known.get(name, SEVERITIES))
    )


def export_images(export: Export, workers: int, listener: Listener) -> None:
    """Write what `export.out` does not hold yet; what is written stays, whatever happens.

    Raises StoreError for a folder that is in use, or that holds another export or anything else; MachineError for a
    disk without room, before anything is written, and for a worker process that was killed; DataError that names an
    image that can't be read or corrupted.
    """
    with locked(export.out), Loader(workers) as loader:
        manifest = export.manifest()
        check_folder(export.out, manifest)
        conditions = [condition for condition in export.conditions if not is_complete(export.tree(condition))]
        missing = [(c, image_id) for c in conditions for image_id in export.ids if not has_files(export, c, image_id)]
        try:
            rest = estimate(partial(file_size, export), missing, loader)
            require_room(export.out, rest)
            listener.planned(len(export.conditions), len(conditions), rest)
            write_manifests(export, manifest | {"environment": environment.describe("cpu")}, conditions)
            fill_trees(export, conditions, loader, listener)
        except BrokenExecutor:
            raise MachineError(
                "a worker process was killed, perhaps for want of memory; the same command goes on from there, "
                f"with fewer --workers than {workers} in less memory"
            ) from None


def check_folder(out: Path, manifest: dict[str, Any]) -> None:
    """Raise StoreError, and say what differs, unless `out` is empty or holds an export of the same identity."""
    found = read_manifest(out)
    if found is None:
        strange = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")), None)
        if strange is not None:
            raise StoreError(f"{out}: holds {strange} and no manifest of an export; choose a new or an empty --out")
        return
    differing = [
        f"{name} {found.get(name)!r} there, {manifest[name]!r} asked for"
        for name in IDENTITY
        if found.get(name) != manifest[name]
    ]
    if differing:
        raise StoreError(f"{out}: holds another export ({'; '.join(differing)}); choose another --out")


def require_room(out: Path, rest: Estimate) -> None:
    """Raise MachineError with the numbers where the disk has too little room for the files to come."""
    free = shutil.disk_usage(out).free
    if rest.room > free:
        raise MachineError(
            f"{out}: {rest}, {decimal(rest.room)} with a margin, but its disk has {decimal(free)} free; "
            "choose fewer --corruptions or --severities, a --limit, --format webp or another disk"
        )


def write_manifests(export: Export, manifest: dict[str, Any], conditions: Iterable[Condition]) -> None:
    """Write the manifests that are not there yet: the folder's, and each tree's, which names its condition too."""
    contents = {export.out: manifest} | {
        export.tree(c): manifest | {"corruption": c.corruption, "severity": c.severity} for c in conditions
    }
    for folder, content in contents.items():
        if not (folder / MANIFEST).exists():
            write_json(folder / MANIFEST, content)


def fill_trees(export: Export, conditions: Iterable[Condition], loader: Loader, listener: Listener) -> None:
    """Write the files of these conditions, and a tree's checksums as soon as it is complete."""
    tasks = ((condition, image_id) for condition in conditions for image_id in export.ids)
    results = loader.map(partial(ensure_files, export), tasks)
    for condition in conditions:
        checksums: dict[str, str] = {}
        for found in islice(results, len(export.ids)):
            checksums |= found
            listener.image()
        lines = (f"{checksums[name]}  {name}\n" for name in sorted(checksums))
        write_text(export.tree(condition) / CHECKSUMS, "".join(lines))


def is_complete(tree: Path) -> bool:
    """Whether a tree has its checksums and every file that they name."""
    try:
        lines = (tree / CHECKSUMS).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return all((tree / line.partition("  ")[2]).is_file() for line in lines)


def has_files(export: Export, condition: Condition, image_id: str) -> bool:
    """Whether an image and its label are there; if so they are whole, since they came by a rename."""
    return all((export.tree(condition) / path).is_file() for path in export.paths(image_id))


def file_size(export: Export, task: Task) -> int:
    """Make the content of an image's file, and no file; return its length in bytes."""
    return len(encoded(export, task)[1])


def ensure_files(export: Export, task: Task) -> dict[str, str]:
    """Write an image and its label unless they are there, in a worker; return the sha256 of each by its path."""
    tree, (image, label) = export.tree(task[0]), export.paths(task[1])
    if not has_files(export, *task):
        sample, content = encoded(export, task)
        link_label(export.out / label, tree / label, sample.label)
        write_bytes(tree / image, content)
    return {path.as_posix(): sha256(tree / path) for path in (image, label)}


def encoded(export: Export, task: Task) -> tuple[Sample, bytes]:
    """Make one corrupted sample, and its image file's content. Raises DataError that names the image."""
    condition, image_id = task
    try:
        sample = prepare(export.dataset, condition, image_id)
        return sample, ENCODERS[export.format](sample.image)
    except ValueError as error:
        raise DataError(f"{image_id} can't be exported: {error}") from None


def link_label(shared: Path, path: Path, label: LabelMap) -> None:
    """Hard-link a tree's label file to the shared one, which is written if need be."""
    if not shared.is_file():
        write_bytes(shared, png(label))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        os.link(shared, path)
    except OSError:  # a disk without hard links, or one that allows no more of them for this file
        write_bytes(path, shared.read_bytes())


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
