"""Write the missing files of each tree, image by image, in worker processes."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from .. import environment
from ..corruptions import sources_of
from ..datasets.base import LabelMap, Sample
from ..datasets.first_pass import first_pass
from ..files import write_bytes, writing
from ..images import png, webp
from ..locks import locked
from ..measure.prepare import add_image_name, prepare
from ..measure.workers import Loader
from ..store.cell import Condition
from .estimate import Estimate, Task, estimate
from .folder import (
    check_folder,
    check_sources,
    has_files,
    has_image,
    is_complete,
    is_there,
    read_checksums,
    require_room,
    write_checksums,
    write_manifests,
)
from .spec import Export

__all__ = ["Listener", "export_images"]

ENCODERS = {"png": png, "webp": webp}


class Listener:
    """Receives the progress of an export. This base class ignores it."""

    def note(self, line: str) -> None:
        """Before the export: report a file of the data set that does not count, or a damaged one that is made again."""

    def plan(self, conditions: int, incomplete: int, rest: Estimate) -> None:
        """Report the numbers of all trees and of incomplete trees, which may hold images, and the remaining work."""

    def image(self) -> None:
        """Report that one more image of an incomplete tree is complete, with its checksum."""


def export_images(export: Export, workers: int, listener: Listener) -> None:
    """Write the files that `export.out` lacks, or that differ from their checksums there.

    Written files stay, even after an error. They are written whole, so that those without a checksum, after a kill, are
    taken as they are.

    Raises StoreError for a folder that is in use, or holds another export or other files, such as images from an older
    version of a user's own corruption; UsageError for a corruption that was edited after its import; MachineError for
    a full disk (before the first file, if the estimate shows it) and for a worker process that was killed; DataError
    for an image that can't be read or corrupted.
    """
    manifest = export.manifest(first_pass(export.dataset, export.ids, listener.note, needs_labels=False).fingerprint)
    sources = sources_of({condition.corruption for condition in export.conditions}, workers)
    check_folder(export.out, manifest)  # before anything is written there, even the lock
    check_sources(export, sources)
    with locked(export.out), Loader(workers) as loader:
        check_folder(export.out, manifest)  # another export may have started there since
        remove_damaged(export, loader, listener)
        conditions = [condition for condition in export.conditions if not is_complete(export, condition)]
        missing = [(c, image_id) for c in conditions for image_id in export.ids if not has_files(export, c, image_id)]
        to_make = [task for task in missing if not has_image(export, *task)]
        rest = replace(estimate(partial(file_size, export), to_make, loader), files=len(missing))
        require_room(export.out, rest)
        listener.plan(len(export.conditions), len(conditions), rest)
        write_manifests(export, manifest | {"environment": environment.describe("cpu")}, conditions, sources)
        fill_trees(export, conditions, loader, listener)


def remove_damaged(export: Export, loader: Loader, listener: Listener) -> None:
    """Remove the files that differ from their checksums, so that they are made again."""
    stated = [
        (tree / path, checksums[path.as_posix()])
        for tree in map(export.tree, export.conditions)
        if (checksums := read_checksums(tree))
        for image_id in export.ids
        for path in export.paths(image_id)
        if path.as_posix() in checksums and is_there(tree / path)
    ]
    for (path, _), whole in zip(stated, loader.map(is_whole, stated), strict=True):
        if not whole:
            listener.note(f"{path}: differs from its checksum; it is made again")
            path.unlink()


def is_whole(stated: tuple[Path, str]) -> bool:
    """Whether a file has its checksum. Runs in a worker."""
    path, checksum = stated
    return sha256(path) == checksum


def fill_trees(export: Export, conditions: Iterable[Condition], loader: Loader, listener: Listener) -> None:
    """Write the files of these conditions, and the checksums of each tree as soon as it is complete."""
    labels: dict[str, str] = {}  # the checksum of each shared label that was compared, by image
    tasks = (((condition, image_id), labels.get(image_id, "")) for condition in conditions for image_id in export.ids)
    results = loader.map(partial(ensure_files, export), tasks)
    for condition in conditions:
        checksums: dict[str, str] = {}
        for image_id, (files, label) in zip(export.ids, results, strict=False):
            checksums |= files
            labels[image_id] = label or labels.get(image_id, "")
            listener.image()
        write_checksums(export.tree(condition), checksums)


def file_size(export: Export, task: Task) -> int:
    """Make the content of an image's file without writing it. Returns its length in bytes."""
    return len(encode(export, task)[1])


def ensure_files(export: Export, item: tuple[Task, str]) -> tuple[dict[str, str], str]:
    """Write an image and its label unless they exist. Runs in a worker.

    item: the task, and the sha256 of the shared label if it was compared for another condition, else "". Returns the
    sha256 of each file by its path, and of the shared label if it was compared.
    """
    task, checksum = item
    tree, (image, label) = export.tree(task[0]), export.paths(task[1])
    if not has_files(export, *task):
        sample, content = encode(export, task)
        with add_image_name(export.dataset, task[1]):
            checksum = link_label(export.out / label, tree / label, sample.label, checksum)
        if not is_there(tree / image):
            write_bytes(tree / image, content)
    return {path.as_posix(): sha256(tree / path) for path in (image, label)}, checksum


def encode(export: Export, task: Task) -> tuple[Sample, bytes]:
    """Make one corrupted sample, and the content of its image file. Raises DataError, which names the image."""
    condition, image_id = task
    sample = prepare(export.dataset, condition, image_id, export.entries.get(condition.corruption))
    with add_image_name(export.dataset, image_id):
        return sample, ENCODERS[export.format](sample.image)


def link_label(shared: Path, path: Path, label: LabelMap, checksum: str) -> str:
    """Hard-link a tree's label file to the shared one, after writing the shared one if it is missing or damaged.

    checksum: of a shared file that has this label; "" to encode the label and compare. Returns the shared file's.
    """
    if not (checksum and is_there(shared) and sha256(shared) == checksum):
        content = png(label)
        if not is_there(shared) or shared.read_bytes() != content:
            write_bytes(shared, content)
        checksum = sha256(shared)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(shared, path)
        except OSError:  # a disk without hard links, or with a limit on links per file
            write_bytes(path, shared.read_bytes())
    return checksum


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
