"""What `run` and `plan` are asked for: a suite, or a data set, with what options put in its place."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .options import data_folders, naming, once, weights_given, words
from .terminal import say

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..measure.plan import Options
    from ..measure.shards import Shard
    from ..suites import Suite

__all__ = ["Choice", "Target", "choose", "options_for", "shard_for"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options that decide what is measured, as they are written."""

    data: Sequence[str] = ()
    protocol: str | None = None
    corruptions: list[str] | None = None
    severities: list[str] | None = None
    views: Sequence[str] = ()
    batchnorm: list[str] | None = None
    seeds: list[str] | None = None
    split: str | None = None
    void: str | None = None
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """The suite that was asked for. folders: of data sets. dataset: opened already, where no suite names it."""

    suite: "Suite"
    folders: dict[str, Path]
    dataset: "Dataset | None" = None


def choose(name: str | None, choice: Choice) -> Target:
    """Read a suite, or make one of the data that is given; put what is chosen in its place. Raises UsageError."""
    from ..datasets import DATASETS, open_split
    from ..protocols import choose_conditions, conditions_of
    from ..store.cell import CLEAN
    from ..store.view import View
    from ..suites import read_suite, suite_for, with_options

    alone = [value for value in choice.data if value in DATASETS and not DATASETS[value].needs_folder]
    folders = data_folders([value for value in choice.data if value not in alone])
    picked = words("--corruptions", choice.corruptions), words("--severities", choice.severities)
    once("--view", [*choice.views])
    with naming("--view"):
        views = [View.parse(view) for view in choice.views]
    with naming("--protocol"):
        conditions_of(choice.protocol or CLEAN)
    given: dict[str, Any] = {
        "views": views,
        "seeds": [seed_of(word) for word in words("--seeds", choice.seeds)],
        "batchnorm": [statistics_of(word) for word in words("--batchnorm", choice.batchnorm)],
    }
    if name is not None:
        if alone:
            raise UsageError(f"--data {alone[0]}: takes no folder, and a suite names its dataset itself")
        read = read_suite(larger(name) if choice.full else name)
        suite = with_options(read, protocol=choice.protocol, split=choice.split, void=choice.void)
        conditions = choose_conditions(suite.protocol, suite.conditions, *picked) if any(picked) else None
        return Target(suite=with_options(suite, conditions=conditions, **given), folders=folders)
    if choice.full:
        raise UsageError("--full is for a suite, not for --data alone")
    if not (names := [*folders, *alone]):
        raise UsageError("name a suite (see `list suites`), or the data to measure on: --data NAME=PATH")
    protocol = choice.protocol or "segformer"
    conditions = choose_conditions(protocol, conditions_of(protocol), *picked) if any(picked) else None
    dataset = open_split("+".join(names), choice.split, folders)
    suite = with_options(suite_for(dataset.name, dataset.split, protocol, conditions), **given, void=choice.void)
    return Target(suite=suite, folders=folders, dataset=dataset)


def options_for(
    target: Target,
    *,
    weights: list[str] | None,
    models: Sequence[str] | None,
    workers: int | None,
    **fields: Any,
) -> "Options":
    """Add to a target the models and how they run. fields: the other ones of `Options`, as they are written.

    Raises UsageError for options that exclude each other.
    """
    from ..environment import default_workers
    from ..measure.engines.fitting import expect_fitting
    from ..measure.plan import Options

    engine = fields.get("engine", "local")
    expect_fitting(engine, workers, fields.get("address"))
    if workers is None:
        workers = default_workers(fields["device"]) if engine == "local" else 0
    return Options(
        data=target.folders,
        dataset=target.dataset,
        weights=weights_given(weights),
        models=tuple(models or ()),
        workers=workers,
        **fields,
    )


def shard_for(text: str | None, address: str | None = None) -> "Shard | None":
    """Read --shard; without it, the shard of a task that a scheduler has started, which is stated in one line.

    With the address of a cluster, whose nodes are such tasks, one process drives them all: it has no other shard.
    """
    from ..measure.shards import Shard, shard_from

    if text is not None:
        return Shard.parse(text)
    if address is not None:
        return None
    if (started := shard_from(os.environ)) is None:
        return None
    shard, names = started
    say(f"shard {shard}, from {names}; --shard all measures the whole plan")
    return shard


def larger(name: str) -> str:
    """Name the larger version of a shipped suite. Raises UsageError where it has none."""
    from ..yaml_files import shipped

    suites = shipped("robustbench_seg.suites")
    if f"{name}-full" not in suites:
        some = [each for each in suites if f"{each}-full" in suites]
        raise UsageError(f"--full: suite {name} has no larger version; {', '.join(some)} has one")
    return f"{name}-full"


def seed_of(word: str) -> int:
    """Read a seed. Raises UsageError for what is none."""
    from ..corruptions import LARGEST_SEED

    digits = word.lstrip("0") or "0"
    longest = len(str(LARGEST_SEED))  # Python itself refuses to read thousands of digits
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > longest or int(digits) > LARGEST_SEED:
        raise UsageError(f"--seeds takes whole numbers from 0 to {LARGEST_SEED}, got {word!r:.60}")
    return int(digits)


def statistics_of(word: str) -> str:
    """Read which statistics of BatchNorm. Raises UsageError for an unknown word."""
    from ..suites.schema import STATISTICS

    if word not in STATISTICS:
        raise UsageError(f"--batchnorm: {word!r} is none of {', '.join(STATISTICS)}")
    return word
