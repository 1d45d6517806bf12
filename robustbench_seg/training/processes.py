"""The processes that train one network together: one, or those that `torchrun` or `accelerate launch` started.

Each takes its share of every batch; gradients are averaged over them, and sums go over all of them, so that the losses
are those of one process with the whole batch, up to rounding and to what BatchNorm and dropout do: on CUDA BatchNorm
takes its statistics over the whole batch, on CPUs each process over its own share (those of the first are kept).
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from ..errors import MachineError, UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Processes", "Several", "processes_on"]

Value = TypeVar("Value")
PATIENCE = timedelta(hours=2)  # while the first process reads all training files, to know them again, the others wait


class Processes:
    """One process alone. rank: its number; the one of rank 0 writes. count: of all. device: where it computes."""

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, network: nn.Module) -> nn.Module:
        """Make the network average its gradients over all processes; give it the weights of the first."""
        return network

    def total(self, value: Tensor) -> Tensor:
        """Sum over all processes."""
        return value

    def from_first(self, value: Value) -> Value:
        """What the first process gave."""
        return value

    def share_buffers(self, network: nn.Module) -> None:
        """Give all processes the first one's buffers, such as BatchNorm's statistics."""

    def wait(self) -> None:
        """Wait for all to come here."""

    def part(self) -> None:
        """Leave the others; nothing is shared after that."""


class Several(Processes):
    """One of several processes, which an `Accelerator` holds together."""

    def __init__(self, accelerator: "Accelerator") -> None:
        super().__init__(accelerator.device)
        self.accelerator = accelerator
        self.rank, self.count = accelerator.process_index, accelerator.num_processes

    def wrap(self, network: nn.Module) -> nn.Module:
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # in place
        wrapped: nn.Module = self.accelerator.prepare_model(network)
        return wrapped

    def total(self, value: Tensor) -> Tensor:
        summed: Tensor = self.accelerator.reduce(value, reduction="sum")
        return summed

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

    def part(self) -> None:
        self.accelerator.end_training()


def processes_on(device: torch.device) -> Processes:
    """Find the processes by the environment that the launcher made; accelerate is only needed where there are several.

    device: with several processes on CUDA each takes the one of its local rank. Raises MachineError without accelerate
    and where there are fewer devices than processes, UsageError for a device that is not the launcher's.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(device)
    try:
        from accelerate import Accelerator, InitProcessGroupKwargs
    except ImportError:
        raise MachineError("several processes need accelerate: pip install 'robustbench-seg[accelerate]'") from None
    if device.index is not None:
        raise UsageError(f"--device {device}: with several processes each takes its own, so give --device cuda")
    number, devices = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if device.type == "cuda" and number >= devices:
        raise MachineError(f"process {number} of this machine has no CUDA device: there are {devices}")
    patience = InitProcessGroupKwargs(timeout=PATIENCE)
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no", kwargs_handlers=[patience])
    if accelerator.device.type != device.type:
        raise UsageError(f"--device {device}, but the launcher is set up for {accelerator.device.type}")
    return Several(accelerator)
