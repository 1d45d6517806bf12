"""The processes that train one network together: a single one, or those that `torchrun` or `accelerate launch` started.

Each process takes a share of every batch. Gradients are averaged over the processes, and sums run over all of them. So
the losses equal the losses of one process with the whole batch, except for rounding, dropout and BatchNorm. On CUDA
BatchNorm's statistics cover the whole batch. On CPUs each process has its own; the first process's are kept.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from ..errors import MachineError, UsageError, missing_extra

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["ProcessGroup", "Processes", "find_processes"]

Value = TypeVar("Value")
PATIENCE = timedelta(hours=2)  # the other processes wait while the first one hashes all training files


class Processes:
    """A single process. rank: its number; only rank 0 writes files. count: of all processes. device: of torch."""

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, network: nn.Module) -> nn.Module:
        """Make the network average its gradients over all processes, and give it the first process's weights."""
        return network

    def total(self, value: Tensor) -> Tensor:
        """Sum over all processes."""
        return value

    def from_first(self, value: Value) -> Value:
        """Return the value that the first process passed."""
        return value

    def share_buffers(self, network: nn.Module) -> None:
        """Copy the buffers of the first process, such as BatchNorm's statistics, to all processes."""

    def wait(self) -> None:
        """Wait until all processes call this."""

    def leave(self) -> None:
        """Leave the group of processes; nothing is shared afterwards."""


class ProcessGroup(Processes):
    """One of several processes that communicate through an `Accelerator`."""

    def __init__(self, accelerator: "Accelerator") -> None:
        super().__init__(accelerator.device)
        self.accelerator = accelerator
        self.rank, self.count = accelerator.process_index, accelerator.num_processes

    def wrap(self, network: nn.Module) -> nn.Module:
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # in place
        model: nn.Module = self.accelerator.prepare_model(network)
        return model

    def total(self, value: Tensor) -> Tensor:
        total: Tensor = self.accelerator.reduce(value, reduction="sum")
        return total

    def from_first(self, value: Value) -> Value:
        from accelerate.utils import broadcast_object_list

        first: Value = broadcast_object_list([value])[0]
        return first

    def share_buffers(self, network: nn.Module) -> None:
        from accelerate.utils import broadcast

        for buffer in network.buffers():
            buffer.copy_(broadcast(buffer.clone()))

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def leave(self) -> None:
        self.accelerator.end_training()


def find_processes(device: torch.device) -> Processes:
    """Find the processes from the launcher's environment variables. Only several processes need accelerate.

    device: with several processes on CUDA, each takes the device of its local rank. Raises MachineError without
    accelerate and with fewer devices than processes, UsageError for a device that is not the launcher's.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(device)
    try:
        from accelerate import Accelerator, InitProcessGroupKwargs
    except ImportError:
        raise missing_extra("several processes need accelerate", "accelerate") from None
    if device.index is not None:
        raise UsageError(f"--device {device}: with several processes each takes its own device; give --device cuda")
    number, devices = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device.type == "cuda" and number >= devices:
        raise MachineError(f"process {number} of this machine has no CUDA device: there are {devices}")
    patience = InitProcessGroupKwargs(timeout=PATIENCE)
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no", kwargs_handlers=[patience])
    if accelerator.device.type != device.type:
        raise UsageError(f"--device {device}, but the launcher is set up for {accelerator.device.type}")
    return ProcessGroup(accelerator)
