"""Parts of a plan, for processes that divide it beforehand: `--shard K/N`, or as a scheduler numbers its tasks.

The division depends on the plan alone, and not on what a store holds already: processes of one command agree on it
without a message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..errors import UsageError
from ..store.cell import CLEAN, Condition, LatencyCell, QualityCell
from ..store.view import View

__all__ = ["Shard", "SweepKey", "assign", "part_of", "shard_from", "sweep_key"]


class HasCell(Protocol):
    """Such as a job."""

    @property
    def cell(self) -> QualityCell | LatencyCell: ...


Cells = TypeVar("Cells", bound=HasCell)
SweepKey = tuple[Condition, QualityCell | None]

FORM = re.compile(r"(\d{1,7})/(\d{1,7})", re.ASCII)
# Milliseconds that an image of 1024x2048 takes, from benchmarks/results/corruptions.md; clean images take none.
PREPARING_MS: Mapping[str, float] = {
    CLEAN: 0, "gaussian_noise": 5, "shot_noise": 6, "impulse_noise": 6, "speckle_noise": 5, "defocus_blur": 13,
    "glass_blur": 39, "motion_blur": 13, "zoom_blur": 43, "gaussian_blur": 22, "snow": 23, "frost": 3, "fog": 9,
    "brightness": 6, "contrast": 3, "saturate": 6, "spatter": 25, "elastic_transform": 32, "pixelate": 7,
    "jpeg_compression": 6,
}  # fmt: skip
OTHER_MS = 14.0  # of a corruption of a user's own: the mean of the others
FORWARD_MS = 100.0  # of a model that sees the whole image: between a GPU's time and a CPU's


@dataclass(frozen=True)
class Shard:
    """Part `number`, from 1 on, of a plan that is divided into `of` parts."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise UsageError(f"a shard must be 1/N .. N/N, got {self}")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Shard | None":
        """Read K/N; None for "all" and for the whole as one part. Raises UsageError for other text."""
        if text == "all":
            return None
        if (parts := FORM.fullmatch(text)) is None:
            raise UsageError(f"--shard takes K/N with K from 1 to N, such as 2/8, or all, got {text!r:.60}")
        try:
            shard = cls(int(parts[1]), int(parts[2]))
        except UsageError:
            raise UsageError(f"--shard takes K/N with K from 1 to N, got {text}") from None
        return shard if shard.of > 1 else None


def shard_from(environ: Mapping[str, str]) -> tuple[Shard, str] | None:
    """Read the shard of a task that a scheduler or launcher has started, and the variables that name it.

    The part of a job in an array is divided again among its tasks, by RANK, else by SLURM_PROCID.
    None for a process that is alone. Raises UsageError for variables that contradict each other.
    """
    number, of, names = 0, 1, []
    for part in (array_task(environ), launched(environ)):
        if part is not None and part[1] > 1:
            number, of = number * part[1] + part[0], of * part[1]
            names += [name for name in part[2:] if isinstance(name, str)]
    return (Shard(number + 1, of), " and ".join(names)) if of > 1 else None


def array_task(environ: Mapping[str, str]) -> tuple[int, int, str] | None:
    """Read the place of this job in an array of Slurm's, from 0, and the size of the array."""
    name, count = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"
    if not (environ.get(name) and environ.get(count)):
        return None
    task, size = whole(environ, name), whole(environ, count)
    first = whole(environ, "SLURM_ARRAY_TASK_MIN", None if task else 0)  # 0 or 1? a guess would leave a part out
    step = whole(environ, "SLURM_ARRAY_TASK_STEP", 1)
    last = whole(environ, "SLURM_ARRAY_TASK_MAX", first + (size - 1) * max(1, step))
    place, rest = divmod(task - first, max(1, step))
    if rest or last != first + (size - 1) * max(1, step) or not 0 <= place < size:
        raise UsageError(
            f"{name}={task}: an array must have evenly spaced numbers, such as 0-7 or 1-8, to be divided into shards; "
            f"it has {size} from {first} to {last}: give --shard K/N"
        )
    return place, size, name


def launched(environ: Mapping[str, str]) -> tuple[int, int, str, str] | None:
    """Read the place of this process among those that a launcher has started, from 0, and their number.

    SLURM_NTASKS is not read: in a batch script it is the number of tasks that the job may start, and the script's own
    process has SLURM_PROCID=0. SLURM_STEP_NUM_TASKS counts the processes that `srun` has started.
    """
    for rank, world in (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")):
        if environ.get(rank) and environ.get(world) and (size := whole(environ, world)) > 1:
            if (place := whole(environ, rank)) >= size:
                raise UsageError(f"{rank}={place} is not below {world}={size}: give --shard K/N, or --shard all")
            return place, size, rank, world
    return None


def whole(environ: Mapping[str, str], name: str, default: int | None = None) -> int:
    """Read a variable that is a whole number, 0 or more. Raises UsageError for another value."""
    text = environ.get(name, "")
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise UsageError(f"{name} must be a whole number, got {text!r:.60}: give --shard K/N, or --shard all")
    return int(text)


def sweep_key(cell: QualityCell) -> SweepKey:
    """Return what cells that are measured in one sweep have in common: the condition.

    A view that re-estimates the statistics of BatchNorm changes its model, so its cell is alone in a sweep.
    """
    return cell.condition, None if cell.view.batchnorm is None else cell


def assign(cells: Sequence[QualityCell | LatencyCell], of: int) -> list[int]:
    """Return the part of each cell of a plan, 1 .. of.

    Cells that are measured in one sweep stay together. The longest sweep goes first, each to the part with the least to
    do so far; then speed cells in turns, those with the least first. Ties go by the order of the plan.
    """
    sweeps: dict[SweepKey, list[int]] = {}
    for place, cell in enumerate(cells):
        if isinstance(cell, QualityCell):
            sweeps.setdefault(sweep_key(cell), []).append(place)
    costs = {key: cost([cells[place] for place in places]) for key, places in sweeps.items()}
    parts, loads = [0] * len(cells), [0.0] * of
    for key in sorted(sweeps, key=lambda key: -costs[key]):
        least = loads.index(min(loads))
        loads[least] += costs[key]
        for place in sweeps[key]:
            parts[place] = least + 1
    order = sorted(range(of), key=lambda part: loads[part])
    for turn, place in enumerate(place for place, part in enumerate(parts) if not part):
        parts[place] = order[turn % of] + 1
    return parts


def part_of(jobs: Sequence[Cells], shard: Shard | None) -> list[Cells]:
    """Choose the jobs of a shard, of all jobs of a plan; all of them for None."""
    if shard is None:
        return list(jobs)
    parts = assign([job.cell for job in jobs], shard.of)
    return [job for job, part in zip(jobs, parts, strict=True) if part == shard.number]


def cost(cells: Sequence[QualityCell | LatencyCell]) -> float:
    """Estimate the milliseconds per image of a sweep, so that sweeps can be compared: preparation and all models."""
    quality = [cell for cell in cells if isinstance(cell, QualityCell)]
    return PREPARING_MS.get(quality[0].corruption, OTHER_MS) + sum(FORWARD_MS * passes(cell.view) for cell in quality)


def passes(view: View) -> float:
    """How much a model sees of an image in a view, with the whole image as 1."""
    overlap = (view.crop / view.stride) ** 2 if view.crop and view.stride else 1.0
    return overlap * sum(scale**2 for scale in view.scales) * (2 if view.flip else 1)
