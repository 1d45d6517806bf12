"""What was measured, as Markdown for readers and CSV for programs. Nothing is measured or written here."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustbench_seg.protocols import conditions_of
from robustbench_seg.report.markdown import escaped

from .timing import PROTOCOL, SLOW, Samples

__all__ = ["csv", "frame_table", "markdown", "summary"]

MISSING = "–"
LIMIT_SLOWER = 0.95  # a ratio below this is more than 5 % slower than imagecorruptions

Times = Mapping[str, Samples]


def csv(result: Mapping[str, Any]) -> str:
    """A row per corruption and severity; lines that begin with # say what was run."""
    columns = [f"{side}_{kind}" for side in ("ours", "oracle") for kind in ("median_ms", "min_ms", "max_ms", "samples")]
    lines = [f"# {line}" for line in provenance(result["about"])]
    lines.append(",".join(["corruption", "severity", *columns, "ratio"]))
    for key, samples in result["times_ms"].items():
        name, severity = key.split()
        cells = [name, severity]
        for side in ("ours", "oracle"):
            ms = samples[side]
            cells += [f"{statistics.median(ms):.3f}", f"{min(ms):.3f}", f"{max(ms):.3f}", str(len(ms))]
        lines.append(",".join([*cells, f"{ratio(samples):.3f}"]))
    return "\n".join(lines) + "\n"


def markdown(result: Mapping[str, Any]) -> str:
    """The whole page."""
    height, width = result["about"]["size"]
    parts = [
        "# The corruption engine beside imagecorruptions 1.1.2",
        f"One {height}x{width} image ({result['about']['image']}), one thread on both sides. The method is in "
        "[../README.md](../README.md); every sample is in corruptions.json.",
    ]
    if "times_ms" in result:
        parts += ["## Summary", *summary_lines(result["times_ms"])]
        parts += ["## Per corruption", per_corruption(result), "## Per severity", per_severity(result["times_ms"])]
    elif "processes" in result:
        parts += ["## Per corruption", per_corruption(result)]
    if "import_ms" in result:
        rows = [[f"`import {module}`", f"{ms:.0f}"] for module, ms in result["import_ms"].items()]
        parts += ["## Import", table(["in a new process", "median (ms)"], rows)]
    if result.get("images_per_s"):
        parts += ["## Workers", workers(result["images_per_s"])]
    parts += ["## How this was made", "\n".join(f"- {line}" for line in provenance(result["about"]))]
    return "\n\n".join(parts) + "\n"


def summary(times: Times) -> dict[str, float]:
    """The headline figures: means (ms) over the protocol's measured conditions and their ratios, and over all."""
    inside = {f"{name} {s}" for name, severities in conditions_of(PROTOCOL).items() for s in severities}
    inside &= times.keys()
    without = {key for key in inside if key.split()[0] not in SLOW}
    ratios = {key: ratio(samples) for key, samples in times.items()}
    found: dict[str, float] = {"conditions": len(inside), "conditions_without": len(without)}
    for suffix, keys in (("", inside), ("_without", without)):
        if keys:
            ours, oracle = (statistics.fmean(median(times[key], side) for key in keys) for side in ("ours", "oracle"))
            found |= {f"ours_ms{suffix}": ours, f"oracle_ms{suffix}": oracle, f"ratio{suffix}": oracle / ours}
    return found | {
        "geometric_mean": statistics.geometric_mean(ratios.values()),
        "smallest": min(ratios.values()),
        "slower": sum(value < LIMIT_SLOWER for value in ratios.values()),
    }


def summary_lines(times: Times) -> list[str]:
    """The summary in words."""
    found = summary(times)
    total = sum(len(severities) for severities in conditions_of(PROTOCOL).values())
    rows = []
    for suffix, what in (("", "all"), ("_without", "without glass_blur")):
        if f"ratio{suffix}" in found:
            rows.append(
                [
                    f"protocol `{PROTOCOL}`, {what}: {found[f'conditions{suffix}']:.0f} of its {total} conditions",
                    f"{found[f'ours_ms{suffix}']:.1f}",
                    f"{found[f'oracle_ms{suffix}']:.0f}",
                    f"{found[f'ratio{suffix}']:.1f}",
                ]
            )
    worst = min(times, key=lambda key: ratio(times[key]))
    return [
        table(["mean time of an image over", "ours (ms)", "imagecorruptions (ms)", "ratio"], rows),
        f"Over all {len(times)} conditions measured, the geometric mean of the ratios is "
        f"{found['geometric_mean']:.1f} and the smallest {found['smallest']:.2f} ({worst}). Conditions more than "
        f"5 % slower than imagecorruptions: {found['slower']:.0f}.",
    ]


def per_corruption(result: Mapping[str, Any]) -> str:
    """A row per corruption: means over its severities, and what a new process pays."""
    times, processes = result.get("times_ms", {}), result.get("processes", {})
    names = dict.fromkeys([*(key.split()[0] for key in times), *processes])
    rows = []
    for name in names:
        own = [samples for key, samples in times.items() if key.split()[0] == name]
        rows.append([name, *timing_cells(own), *process_cells(processes.get(name))])
    header = [
        "corruption", "ours (ms)", "imagecorruptions (ms)", "ratio", "smallest ratio", "spread of ours", "samples",
        "first call (ms)", "peak memory (MiB)",
    ]  # fmt: skip
    note = (
        "Times are medians, averaged over severities 1 to 5; the ratio is that of these means. Spread: the largest, "
        "over severities, of (maximum - minimum) / median. Samples: ours + imagecorruptions', the fewest of a "
        "severity. First call: in a new process, imports included, kernels cached on disk. Peak memory: of a new "
        "process that corrupts the image at each severity, over one that imports NumPy and holds the image."
    )
    return f"{note}\n\n{table(header, rows)}"


def timing_cells(own: Sequence[Samples]) -> list[str]:
    if not own:
        return [MISSING] * 6
    ours, oracle = (statistics.fmean(median(samples, side) for samples in own) for side in ("ours", "oracle"))
    spread = max((max(s["ours"]) - min(s["ours"])) / median(s, "ours") for s in own)
    counts = " + ".join(str(min(len(samples[side]) for samples in own)) for side in ("ours", "oracle"))
    smallest = min(ratio(samples) for samples in own)
    return [
        f"{ours:.1f}",
        f"{oracle:.0f}",
        times_faster(oracle / ours),
        times_faster(smallest),
        f"{spread:.0%}",
        counts,
    ]


def process_cells(values: Mapping[str, float] | None) -> list[str]:
    return [f"{values['first_call_ms']:.0f}", f"{values['peak_mib']:.0f}"] if values else [MISSING] * 2


def per_severity(times: Times) -> str:
    """A row per corruption, a column per severity."""
    cells: dict[str, list[str]] = {}
    for key, samples in times.items():
        ours, oracle = median(samples, "ours"), median(samples, "oracle")
        cells.setdefault(key.split()[0], []).append(f"{oracle:.0f} / {ours:.1f} = {times_faster(oracle / ours)}")
    rows = [[name, *row] for name, row in cells.items()]
    return f"imagecorruptions (ms) / ours (ms) = ratio, medians.\n\n{table(['corruption', *'12345'], rows)}"


def workers(images_per_s: Mapping[str, float]) -> str:
    """How throughput grows with threads and processes."""
    rows = []
    for name, value in images_per_s.items():
        one = images_per_s[f"{name.split()[0]} 1"]
        rows.append([name, f"{value:.1f}", f"{value / one:.2f}"])
    note = f"Each worker does all conditions of protocol `{PROTOCOL}` that were selected, one thread each."
    return f"{note}\n\n{table(['workers', 'images/s', 'of one worker'], rows)}"


def provenance(about: Mapping[str, Any]) -> list[str]:
    """What a reader needs to measure again."""
    packages = ", ".join(f"{name} {version}" for name, version in sorted(about["packages"].items()))
    return [
        f"command: `{about['command']}`",
        f"robustbench-seg {about['robustbench_seg']}, engine version {about['engine_version']}, "
        f"commit {about['commit'] or 'unknown'}{' (+: with changes)' if about['commit'].endswith('+') else ''}",
        f"Python {about['python']}, {packages}",
        f"machine: {about['machine']}",
        f"time: {about['time']}",
    ]


def median(samples: Samples, side: str) -> float:
    return statistics.median(samples[side])


def ratio(samples: Samples) -> float:
    """How many times faster than the oracle, by medians."""
    return median(samples, "oracle") / median(samples, "ours")


def times_faster(ratio: float) -> str:
    """Write a ratio with the digits that tell it from 1."""
    return f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column to the left, the others to the right."""
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def frame_table(frame: pd.DataFrame) -> str:
    """Markdown of a frame of texts, in which no text is taken for markup."""
    header, *rows = [[escaped(text) for text in line] for line in (frame.columns, *frame.to_numpy())]
    return table(header, rows)
