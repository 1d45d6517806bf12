"""What `benchmarks.pipeline` has measured, as a page. Nothing is measured or written here."""

import statistics
from collections.abc import Callable
from typing import Any

from robustbench_seg.wording import counted, listed

from .pipeline_scaling_page import IN_FLIGHT, scaling
from .tables import provenance, table

__all__ = ["markdown"]

ABOUT = """Drawn scenes are written as files in Cityscapes' layout, and networks with the weights that ship measure
them. Each side is a process of its own, and sides take turns; who goes first changes each time. A run is timed from its
plan to its last stored cell; forward passes alone are every image through every network, as often as there are
conditions. A run keeps the memory that it frees for its next arrays, which makes its forward passes faster than those
of a plain loop; forward passes with that setting are a row of their own."""


def markdown(result: dict[str, Any]) -> str:
    """The page."""
    parts = ["# A run beside its forward passes and beside a plain script", " ".join(ABOUT.split())]
    for name, write in PARTS.items():
        if name in result:
            parts += write(result[name])
    parts.append("Every sample is in pipeline.json.")
    made: dict[str, list[str]] = {}
    for name in filter(result.__contains__, PARTS):
        made.setdefault("\n".join(f"- {line}" for line in provenance(result[name]["about"])), []).append(name)
    for lines, names in made.items():
        come = "comes" if len(names) == 1 else "come"
        parts += [f"## Where {listed([f'`{name}`' for name in names], len(PARTS))} {come} from", lines]
    return "\n\n".join(parts) + "\n"


def sweep(own: dict[str, Any]) -> list[str]:
    """A run beside the forward passes of three networks."""
    samples = own["samples"]
    forward = middle(samples["forward"])
    names = {
        "sweep": "run",
        "single": "another checkout" if own["baseline"] else "single sweeps",
        "forward": "forward passes alone",
        "kept": "the same, memory kept",
    }
    rows = [
        [label, f"{middle(samples[name]):.1f}", spread(samples[name]), f"{middle(samples[name]) / forward:.2f}"]
        for name, label in names.items()
        if name in samples
    ]
    lines = [
        f"## Three networks, {shape(own)}, {samples['sweep'][0]['cells']} cells, all metrics",
        table(["", "seconds", "fastest to slowest", "of forward passes"], rows),
    ]
    if not own["workers"]:  # calls of worker processes are not counted
        calls, corrupted = samples["sweep"][0]["calls"], (own["conditions"] - 1) * own["images"]
        lines.append(
            f"Counted in a run, not timed: {calls['decoded']} images decoded of {own['images']}, "
            f"{calls['corrupted']} corrupted of {corrupted} ({counted(own['conditions'] - 1, 'corruption')})."
        )
    return lines


def script(own: dict[str, Any]) -> list[str]:
    """A run beside the plain script."""
    ours, theirs = (own["samples"][name] for name in ("run", "script"))
    rows = [[name, f"{middle(some):.1f}", spread(some)] for name, some in own["samples"].items()]
    return [
        f"## One network and the mIoU alone, {shape(own)}, {own['conditions']} conditions{own.get('with', '')}",
        table(["", "seconds", "fastest to slowest"], rows),
        f"The script takes {middle(theirs) / middle(ours):.1f} times as long. On clean images the two mIoU differ by "
        f"{100 * own['clean_difference']:.4f} points, under a corruption by up to "
        f"{100 * own['largest_difference']:.2f}, since draws are not the same.",
    ]


def prepare(own: dict[str, Any]) -> list[str]:
    """What workers deliver."""
    samples = own["samples"]
    counts = [name for name in samples if name != "forward"]
    names = sorted(samples[counts[0]][0]["images_per_s"], key=lambda name: (name != "clean", name))
    per_s = own["images"] * len(names) / middle(samples["forward"])
    rows = [
        [name, *(f"{statistics.median(one['images_per_s'][name] for one in samples[count]):.1f}" for count in counts)]
        for name in names
    ]
    return [
        f"## Images per second that are read, corrupted and handed over, {shape(own)}",
        table(["condition", *(counted(int(count), "worker") for count in counts)], rows),
        f"The forward pass of SegFormer-B0 beside it: {per_s:.1f} images/s.",
        "To hand an image with its label over takes, in CPU time of worker and main process together, "
        f"{' and '.join(f'{1000 * cpu_s:.1f} ms through {way}' for way, cpu_s in own['handover']['cpu_s'].items())}.",
    ]


def flips(own: dict[str, Any]) -> list[str]:
    """Pixels whose class a change of the computation alters."""
    rows = [
        [name, change, str(pixels), f"{1e6 * pixels / own['pixels']:.2f}"]
        for name, changes in own["flips"].items()
        for change, pixels in changes.items()
    ]
    return [
        f"## Pixels that get another class, {shape(own)}, {own['pixels']} pixels",
        table(["network", "change", "pixels", "of a million"], rows),
    ]


def memory(own: dict[str, Any]) -> list[str]:
    """Memory over a long run, in each condition: a corruption's libraries are loaded at the second's start."""
    half = len(own["mib"]) // 2
    rows = []
    for name, mib in (("clean", own["mib"][:half]), ("brightness 3", own["mib"][half:])):
        early, late = (statistics.median(some) for some in (mib[: len(mib) // 2] or mib, mib[len(mib) // 2 :] or mib))
        rows.append([name, f"{early:.1f}", f"{late:.1f}", f"{late - early:+.1f}"])
    return [
        f"## Memory of the process, without files (MiB), {shape(own)}",
        table(["condition", "first half of the images", "second half", "difference"], rows),
    ]


def gpu(own: dict[str, Any]) -> list[str]:
    """Runs on a GPU beside forward passes there, and what was compared with the CPU."""
    rows, compared = [], []
    starts = [run["wall_s"] - run["shown_s"] for each in own["networks"].values() for run in each["samples"]["run"]]
    before = statistics.median(starts)
    for name, each in own["networks"].items():
        forward = statistics.median(sample["images_per_s"] for sample in each["samples"]["forward"])
        images = each["images"] * own["conditions"]
        runs = each["samples"]["run"]
        rate = statistics.median((images - IN_FLIGHT) / run["shown_s"] for run in runs)
        busy = statistics.fmean(share for run in runs for share in run["busy"])
        rows.append(
            [name, str(images), f"{forward:.1f}", f"{rate:.1f}", f"{rate / forward:.2f}", f"{100 * busy:.0f} %"]
        )
        found = each["compared"]
        columns = [str(found["equal_columns"]), "-", "-", "-"]
        if "pixels" in found:
            logits = [f"{found['largest_difference']:.1e}", f"{found['largest_logit']:.1f}"]
            columns[1:] = [*logits, f"{found['flips']} of {found['pixels']}"]
        compared.append([name, *columns])
    return [
        f"## One GPU ({own['gpu']}), {own['cores']} cores, {own['workers']} workers, images of "
        f"{own['size'][0]}x{own['size'][1]} under {own['conditions']} conditions, all metrics",
        table(["network", "images", "forward, images/s", "run, images/s", "of forward", "GPU busy"], rows),
        "Forward passes are of batches that are on the GPU already. A run is timed from its first counted image to its "
        f"last, with what starts in between, such as compilers in workers; {IN_FLIGHT} images are left out, which the "
        f"GPU may have done before. Until the first image it takes {before:.0f} seconds. B5 has random weights. The "
        "busy share is the driver's, ten times a second.",
        "Columns of counts that are equal to those of the metrics' own code from the same maps; logits of the GPU and "
        "of the CPU, fp32, and pixels that get another class:",
        table(["network", "equal columns", "largest difference", "largest logit", "other pixels"], compared),
    ]


PARTS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "sweep": sweep,
    "script": script,
    "glass": script,
    "prepare": prepare,
    "flips": flips,
    "memory": memory,
    "scaling": scaling,
    "gpu": gpu,
}


def shape(own: dict[str, Any]) -> str:
    """Write how many images of which size there were."""
    return f"{own['images']} images of {own['size'][0]}x{own['size'][1]}"


def middle(samples: list[dict[str, Any]]) -> float:
    """The median of the wall times, seconds."""
    return statistics.median(sample["wall_s"] for sample in samples)


def spread(samples: list[dict[str, Any]]) -> str:
    """Write the range of the wall times."""
    seconds = [sample["wall_s"] for sample in samples]
    return f"{min(seconds):.1f} to {max(seconds):.1f}"
