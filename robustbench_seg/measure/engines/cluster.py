"""The nodes of a Ray cluster, the places for actors there, and the models that they are sent."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import MachineError, UsageError
from ...models import load_source
from ...models.base import NetworkSegmenter, Segmenter
from ...suites.model import ModelSpec
from ..aligned import align_model
from .parcel import Origin, Parcel, node_name

if TYPE_CHECKING:
    import torch

__all__ = ["alive_nodes", "maker", "places"]

SENT_PARAMETERS = 2**28  # of a model that goes through the object store: 1 GiB in fp32


def alive_nodes() -> list[dict[str, Any]]:
    """List the nodes that have CPUs, as Ray describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]


def places(device: str, threads: int) -> list[dict[str, int]]:
    """Choose what each actor takes: a GPU, or a CPU per thread of torch. A CPU of each node is left for tasks.

    Raises UsageError for a device that the cluster lacks, or that is not for it.
    """
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device must be cpu or cuda with --engine ray, which chooses the GPUs; got {device!r}")
    free = []
    for node in alive_nodes():
        cpus, gpus = (int(node["Resources"].get(kind, 0)) for kind in ("CPU", "GPU"))
        if device == "cuda":
            free += [{"num_gpus": 1, "num_cpus": 1 if cpus > gpus else 0}] * gpus
        else:
            free += [{"num_cpus": min(threads, cpus - 1)}] * max(1, cpus // (threads + 1))
    if not free:
        raise UsageError(f"--device {device}: Ray knows no node with a {'GPU' if device == 'cuda' else 'CPU'}")
    return free


def maker(model: Segmenter, spec: ModelSpec | None, origin: Origin) -> Parcel:
    """Make a parcel of a function that makes a model on a device: of the model itself, or of its source.

    A model that is large, that can't be pickled, or with code in a separate file, is loaded on the node by the
    loader of sources. spec: None for a model that a program has handed over.
    """
    if spec is None or (spec.model != "factory" and model.parameters <= SENT_PARAMETERS):
        try:
            return Parcel.of(partial(put, model), origin)
        except Exception:  # whatever the parts of a model raise when they are pickled
            if spec is None:
                raise
    return Parcel.of(partial(load, spec, model.class_names, model.checkpoint_sha256), origin)


def put(model: Segmenter, device: "torch.device") -> Segmenter:
    """Put a model that was sent onto a device."""
    if isinstance(model, NetworkSegmenter):
        model.network.to(device)
    return model


def load(spec: ModelSpec, class_names: Sequence[str], sha256: str, device: "torch.device") -> Segmenter:
    """Load a model on this node. Raises MachineError unless it is the one that the run has loaded."""
    model = load_source(spec.source, spec.name, class_names, device)
    align_model(model, class_names, spec.table)
    if model.checkpoint_sha256 != sha256:
        raise MachineError(f"{node_name()}: model {spec.name}: its files differ from those that the run has")
    return model
