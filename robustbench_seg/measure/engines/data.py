"""How the nodes of a cluster get the images: from a path that each has, or from the process of the run.

Small data goes from here through Ray's object store, decoded once. Of other data each node needs the files, at the
path at which the run found them; what a node reads is compared with what the run read, file by file.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...datasets.base import Dataset, Sample, files_of, loaded
from ...datasets.wrapper import Wrapper
from ...environment import available_cores
from ...errors import DataError
from ...wording import counted, quote
from ..decoded import Decoded
from .cluster import alive_nodes
from .nodes import prepare_there
from .parcel import Origin, Parcel, node_name

__all__ = ["SENT_BYTES", "Checked", "Supply", "supply_of"]

RETRIES = 2  # of a task whose process has ended
SENT_BYTES = 2**30  # of decoded images and labels that go through the object store


class Checked(Wrapper):
    """A data set whose files are compared with those that the run read. digests: of an image's files, by its id."""

    def __init__(self, dataset: Dataset, digests: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(dataset)
        self.digests = digests

    def load(self, image_id: str) -> Sample:
        """Load one sample. Raises DataError that names the node and the file, for one that is missing or differs."""
        paths = files_of(self.dataset, image_id) or ()
        for path, own in zip(paths, self.digests.get(image_id, ()), strict=True):
            try:
                there = digest_of(path)
            except OSError as error:
                raise DataError(
                    f"{node_name()}: {quote(path)}: can't be read ({error.strerror}); each node needs the data at the "
                    "path that the run has"
                ) from None
            if there != own:
                raise DataError(f"{node_name()}: {quote(path)}: differs from the file that the run has")
        return loaded(self.dataset, image_id)


def checked(dataset: Dataset, ids: Sequence[str]) -> Checked:
    """Hash the files of images, of those whose files the data set names."""
    with ThreadPoolExecutor(available_cores()) as pool:
        digests = pool.map(lambda image_id: tuple(map(digest_of, files_of(dataset, image_id) or ())), ids)
        return Checked(dataset, dict(zip(ids, digests, strict=True)))


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def decoded_bytes(dataset: Dataset, ids: Sequence[str]) -> int:
    """Estimate what images and labels take when they are decoded, from the first one."""
    sample = loaded(dataset, ids[0])
    return len(ids) * (sample.image.nbytes + sample.label.nbytes)


@dataclass(frozen=True)
class Supply:
    """The images of a run as tasks get them. samples: references to those that are sent, by id."""

    dataset: Dataset
    samples: Mapping[str, Any]

    @cached_property
    def task(self) -> Any:
        """What prepares an image, again after the end of its process; one for all images: Ray keeps each for ever."""
        import ray

        return ray.remote(num_cpus=1, max_retries=RETRIES)(prepare_there)

    def prepare(self, images: Any, image_id: str) -> Any:
        """Begin a task that prepares an image; return a reference to the sample.

        images: a reference to the parcel of `prepare_there`.
        """
        return self.task.remote(images, image_id, self.samples.get(image_id))


def supply_of(dataset: Dataset, ids: Sequence[str], origin: Origin, note: Callable[[str], None]) -> Supply:
    """Choose how the nodes get the images of ids; note: called with a line that states it, where there are several.

    Raises DataError for a node that lacks the files, and for files that have changed since the run has read them.
    """
    import ray

    nodes = [node["NodeID"] for node in alive_nodes()]
    if nodes == [ray.get_runtime_context().get_node_id()]:
        return Supply(dataset, {})  # its processes share what is decoded, as the local engine has it
    here = dataset
    if isinstance(dataset, Decoded):
        here = dataset.unkept()
        dataset = dataset.dataset
    size = decoded_bytes(dataset, ids)
    what = f"{counted(len(ids), 'image')} ({size / 2**30:.1f} GiB decoded)"
    if size <= SENT_BYTES:
        note(f"{dataset.name}: {what} go to {counted(len(nodes), 'node')} through Ray's object store")
        return Supply(dataset, {image_id: ray.put(here.load(image_id)) for image_id in ids})
    note(f"{dataset.name}: {what} are read by each of {counted(len(nodes), 'node')} from its own path")
    dataset = checked(dataset, ids)
    if isinstance(here, Decoded):  # after that: the hashes are to be of the files that the run has read
        for image_id in ids:
            here.expect_unchanged(image_id)
    parcel = ray.put(Parcel.of(dataset, origin))
    trial = ray.remote(num_cpus=0)(load_there)
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    trials = [trial.options(scheduling_strategy=strategy(node, soft=False)).remote(parcel, ids[0]) for node in nodes]
    for fault in ray.get(trials):
        if fault is not None:
            raise fault
    return Supply(dataset, {})


def load_there(parcel: Parcel, image_id: str) -> Exception | None:
    """Load an image on a node, on trial; return what is wrong."""
    try:
        parcel.open().load(image_id)
    except Exception as error:
        return error
    return None
