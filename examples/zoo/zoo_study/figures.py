"""Figures of the networks: what is left under corruption of clean mIoU, and what it costs in time."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from robustbench_seg.store.cell import CLEAN
from robustbench_seg.studies.statistics import Interval

from .marks import INK, SOFT, Mark, draw, labelled
from .study import Study

__all__ = ["pareto", "pareto_front", "robustness"]

KEPT = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # of clean mIoU: the lines in the figure, where marks are near
NEAR = 0.1  # how far from what a network keeps a line may be
INTERVALS = ", lines: 95 % intervals over images"


def percent(value: Interval) -> Interval:
    return Interval(100 * value.estimate, 100 * value.low, 100 * value.high)


def robustness(study: Study) -> Figure:
    """Draw the mean mIoU under corruption against clean mIoU, with intervals over images and lines of equal share."""
    clean, mean = study.over_images(CLEAN), study.over_images("mean")
    marks = [Mark(name, percent(clean[name]), percent(mean[name])) for name in study.names]
    figure, axes = draw(marks, f"clean mIoU (%){INTERVALS}", f"mean mIoU under corruption (%){INTERVALS}")
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    kept = study.values["retention"][0]
    for share in (share for share in KEPT if kept.min() - NEAR < share < kept.max() + NEAR):
        x = min(right, top / share)
        if share * x > bottom:
            axes.plot(
                [max(left, 0), x], [share * max(left, 0), share * x], color=SOFT, linewidth=0.8, linestyle=":", zorder=1
            )
            axes.text(
                x,
                share * x,
                f" {100 * share:.0f} % kept",
                fontsize=8,
                color=SOFT,
                ha="left" if x == right else "center",
                va="center" if x == right else "bottom",
            )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    labelled(figure, axes, marks)
    return figure


def pareto(
    latency_ms: Mapping[str, float], mean: Mapping[str, Interval], others: Mapping[str, float], where: str
) -> Figure:
    """Draw the mean mIoU under corruption against latency, and the front on which no network is faster and better.

    others: latency in ms of networks without such an mIoU, drawn as lines. where: input size and machine.
    """
    marks = [
        Mark(name, Interval(ms, float("nan"), float("nan")), percent(mean[name]))
        for name, ms in latency_ms.items()
        if name in mean
    ]
    figure, axes = draw(marks, f"latency (ms), {where}", f"mean mIoU under corruption (%){INTERVALS}")
    axes.set_xscale("log")
    front = pareto_front({mark.model: (mark.x.estimate, mark.y.estimate) for mark in marks})
    places = [(mark.x.estimate, mark.y.estimate) for name in front for mark in marks if mark.model == name]
    axes.step(*zip(*places, strict=True), where="post", color=SOFT, linewidth=1, zorder=1)
    for name, ms in others.items():
        axes.axvline(ms, color=INK, linewidth=0.8, linestyle="--", zorder=1)
        axes.text(
            ms, 1.0, f"{name} ", transform=axes.get_xaxis_transform(), rotation=90, fontsize=8, ha="right", va="top"
        )
    ticks = [
        ms for ms in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if axes.get_xlim()[0] <= ms <= axes.get_xlim()[1]
    ]
    axes.set_xticks(ticks, [str(ms) for ms in ticks])
    axes.minorticks_off()
    labelled(figure, axes, marks)
    return figure


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Name the networks, from fast to slow, that are better than every faster one. points: (ms, mIoU)."""
    front: list[str] = []
    for name, (_, miou) in sorted(points.items(), key=lambda point: (point[1][0], -point[1][1])):
        if not front or miou > points[front[-1]][1]:
            front.append(name)
    return front
