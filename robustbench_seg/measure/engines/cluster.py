"""A connection to Ray: the nodes, the places for actors, and what they are sent."""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from ... import environment
from ...errors import MachineError, UsageError, missing_extra
from ...models import load_source
from ...models.base import NetworkSegmenter, Segmenter
from ...stopping import ENDINGS, is_unread, unbroken
from ...suites.model import ModelSpec
from ..aligned import align_model
from .parcel import Origin, Parcel, node_name

if TYPE_CHECKING:
    import torch

__all__ = ["alive_nodes", "connected", "maker", "places"]

SENT_PARAMETERS = 2**28  # of a model that goes through the object store: 1 GiB in fp32
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a call after the end would start Ray again
    "RAY_prestart_worker_first_driver": "0",  # else Ray would wait for its first processes for ever if one is killed
}


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to the cluster at an address, or start Ray on this machine; keep a connection that the program has.

    Raises MachineError without Ray, and where no cluster answers.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise missing_extra("--engine ray needs Ray", "ray") from None
    if ray.is_initialized():
        with in_words():
            yield
        return
    how: dict[str, Any] = {"address": address}
    if address is None:
        how = {"address": "local", "num_cpus": environment.available_cores(), "include_dashboard": False}

    def end(at_once: bool = False) -> None:
        if not at_once:  # Ray's processes end with this one, too, but some seconds later
            ray.shutdown()

    try:
        # A stop waits for processes of Ray's that start: some would outlive one that it can't end yet.
        with unbroken() if address is None else nullcontext():
            with handler_kept(signal.SIGTERM):
                ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
            ENDINGS.add(end)
    except Exception as error:  # Ray raises plain Exception, too, as where a node takes long to start
        reason = " ".join(str(error).split()) or type(error).__name__
        place = "Ray can't start here" if address is None else f"--address {address}: no Ray cluster answers there"
        raise MachineError(f"{place} ({reason:.300})") from None
    try:
        with in_words():
            yield
    finally:
        ENDINGS.discard(end)
        with handler_kept(signal.SIGTERM):
            ray.shutdown()


@contextmanager
def handler_kept(number: int) -> Iterator[None]:
    """Give a signal back the handler that Ray replaces in a block, at its start, or removes, at its end.

    Where the program has none, Ray's stays.
    """
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if before not in (None, signal.SIG_DFL) and threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


@contextmanager
def in_words() -> Iterator[None]:
    """Raise MachineError for what the calls of Ray raise where it has ended, or has lost what it held."""
    import ray

    try:
        yield
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())
        raise MachineError(f"Ray has lost a part of the run ({reason:.300}); the same command resumes") from error
    except SystemExit as end:
        if is_unread(end):
            raise
        raise MachineError("the connection to Ray has ended; the same command resumes") from end


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
