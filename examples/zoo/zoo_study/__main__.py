"""The command line: python -m zoo_study ranking | resolution | doubling | speed | weights."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from robustbench_seg.charts import figure, save_figure
from robustbench_seg.errors import RobustBenchError
from robustbench_seg.files import write_text

from . import doubling, figures, pairs, ranking, resolution, settling, speed, weights
from .study import read_study


def make_ranking(given: argparse.Namespace) -> tuple[list[str], Figure]:
    """State what the ranking shows; draw the mean under corruption against clean mIoU."""
    study, lacking = read_study(given.stores)
    lines = [
        f"# What the ranking of {len(study.names)} networks shows",
        "",
        *ranking.heading(study),
        "",
        *(f"- {line}" for line in (*ranking.sentences(study), *settling.sentences(study))),
    ]
    if lacking:
        lines += ["", f"Left out, for a condition or a clean mIoU that is not to be had: {', '.join(lacking)}."]
    return lines, figures.robustness(study)


def make_resolution(given: argparse.Namespace) -> tuple[list[str], Figure]:
    """State where the pairs peak; draw their mIoU over the input scale."""
    both = pairs.read_pairs(*given.stores)
    arms = pairs.read_arms(given.arms) if given.arms else None
    lines = [f"# {len(both.names)} pairs of networks trained at two sizes", "", *resolution.sentences(both, arms)]
    return lines, figure(resolution.chart(both, arms))


def make_doubling(given: argparse.Namespace) -> tuple[list[str], None]:
    """State what networks gain or lose on frames of twice the size."""
    (store,) = given.stores
    return ["# Frames of twice the size", "", *(f"- {line}" for line in doubling.sentences(store))], None


def make_speed(given: argparse.Namespace) -> tuple[list[str], Figure]:
    """State which networks are fast and robust; draw the mean under corruption against latency."""
    study, _ = read_study(given.stores)
    times = speed.read_speed(given.latency)
    others = {name: ms for name, ms in times.latency_ms.items() if name.startswith("segformer")}
    lines = [
        "# Speed and robustness",
        "",
        *(f"- {line}" for line in speed.sentences(times, study)),
        "",
        *speed.table(times),
    ]
    return lines, figures.pareto(times.latency_ms, study.over_images("mean"), others, times.where)


def make_weights(given: argparse.Namespace) -> tuple[list[str], None]:
    """State the file of each network of the stores: its sha256, its licence, and where it comes from."""
    return ["# Files of weights", "", *weights.table(given.stores, given.weights)], None


MAKE: dict[str, Callable[[argparse.Namespace], tuple[list[str], Figure | None]]] = {
    "ranking": make_ranking,
    "resolution": make_resolution,
    "doubling": make_doubling,
    "speed": make_speed,
    "weights": make_weights,
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m zoo_study", description=__doc__)
    studies = parser.add_subparsers(dest="study", required=True)
    for name, make in MAKE.items():
        own = studies.add_parser(name, help=make.__doc__)
        number: Any = 1 if name in ("resolution", "doubling") else "+"
        own.add_argument("stores", type=Path, nargs=number, metavar="STORE", help="of quality cells")
        if name == "speed":
            own.add_argument("--latency", type=Path, required=True, help="store of speed cells")
        if name == "weights":
            own.add_argument("--weights", type=Path, required=True, help="folder of the files")
        if name == "resolution":
            own.add_argument("--arms", type=Path, help="store of arms with and without positional encodings")
        own.add_argument("--out", type=Path, required=True, help="folder for NAME.md and, of a figure, NAME.svg")
    given = parser.parse_args()
    try:
        lines, drawn = MAKE[given.study](given)
    except RobustBenchError as error:
        parser.error(str(error))
    given.out.mkdir(parents=True, exist_ok=True)
    write_text(given.out / f"{given.study}.md", "\n".join([*lines, ""]))
    if drawn is not None:
        save_figure(drawn, given.out / f"{given.study}.svg", "svg")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
