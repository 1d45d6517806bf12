"""The part of the page of `benchmarks.pipeline` on the simulation. Nothing is measured or written here."""

import statistics
from typing import Any

from .pipeline_scaling import Stages, seconds_of_claims, seconds_of_run
from .tables import table

__all__ = ["IN_FLIGHT", "scaling"]

WORKERS = (1, 2, 4, 8, 16, 32, 64)
DEVICES = (10, 25, 50, 100, 200, 400)  # images per second of a GPU: what a simulation supposes
IN_FLIGHT = 48  # images that a GPU may have: three batches of 16
PROCESSES = (1, 2, 4, 8, 16, 32, 64)
SIMULATED_IMAGES = 200  # of each condition
PROTOCOL_SWEEPS = 73  # conditions of Cityscapes-C


def scaling(own: dict[str, Any]) -> list[str]:
    """The simulation beside real runs, and beyond them."""
    times, large = own["stages"], own["large"]
    checks = []
    for workers, real in own["runs"].items():
        seconds = seconds_of_run(stages_of(times, own["images"], times["show"]), int(workers), own["cores"])
        rate = own["models"] * own["images"] * len(times["prepare"]) / seconds
        checks.append([workers, f"{real:.2f}", f"{rate:.2f}", f"{rate / real - 1:+.0%}"])
    beyond = [
        [str(workers), *(f"{100 * gpu_share(large, rate, workers):.0f} %" for rate in DEVICES)] for workers in WORKERS
    ]
    sweep_s = list(times["prepare"].values())
    sweeps = [sweep_s[k % len(sweep_s)] + times["show"] for k in range(PROTOCOL_SWEEPS)]
    shared = [
        [str(count), f"{(speed := sum(sweeps) / seconds_of_claims(sweeps, count)):.1f}", f"{100 * speed / count:.0f} %"]
        for count in PROCESSES
    ]
    return [
        f"## Scaling, {own['images']} images of {size_of(own)}, stages measured on one thread",
        f"Milliseconds for an image: {preparing(times)}, to take it over {1000 * times['take']:.1f}, in the models "
        f"{1000 * times['forward']:.0f}, with counts {1000 * times['show']:.0f}.",
        f"The simulation beside real runs on {own['cores']} cores, images of a cell per second:",
        table(["workers", "real", "simulated", "difference"], checks),
        f"Simulated, images of {size_of(large)} for one network on a GPU, a core for each worker "
        "and one for the process of the run: the share of the time in which the GPU is busy, if it shows so many "
        "images per second:",
        table(["workers", *(f"{rate}/s" for rate in DEVICES)], beyond),
        bend(large),
        f"Processes that share a folder, each with all it needs, simulated over {PROTOCOL_SWEEPS} sweeps:",
        table(["processes", "times as fast", "of the ideal"], shared),
        "It bends where a few sweeps are left for many processes: none can be divided between two.",
    ]


def size_of(own: dict[str, Any]) -> str:
    return f"{own['size'][0]}x{own['size'][1]}"


def preparing(times: dict[str, Any]) -> str:
    """What a worker's stages take."""
    slowest = max(times["prepare"], key=times["prepare"].__getitem__)
    return (
        f"to load and corrupt {1000 * statistics.fmean(times['prepare'].values()):.0f} (at most "
        f"{1000 * times['prepare'][slowest]:.0f}, {slowest}), to hand it over {1000 * times['give']:.1f}"
    )


def stages_of(times: dict[str, Any], images: int, show: float, stack: float = 0.0) -> Stages:
    """A run over so many images of each condition, one condition after the other."""
    prepare = [seconds + times["give"] for seconds in times["prepare"].values() for _ in range(images)]
    return Stages(prepare, times["take"] + stack, show)


def gpu_share(times: dict[str, Any], rate: float, workers: int) -> float:
    """The share of its time in which a GPU is busy, if it shows so many images per second."""
    stages = stages_of(times, SIMULATED_IMAGES, 1 / rate, times["stack"])
    return len(stages.prepare) / rate / seconds_of_run(stages, workers, workers + 1, IN_FLIGHT)


def bend(times: dict[str, Any]) -> str:
    """State where more workers stop to help, and why."""
    mean, hand_on = statistics.fmean(times["prepare"].values()) + times["give"], times["take"] + times["stack"]
    return (
        f"An image takes a worker {1000 * mean:.0f} ms ({preparing(times)}), and the process of the run "
        f"{1000 * hand_on:.1f} ms, to take it over and to put it into a batch. It bends where workers deliver as fast "
        f"as the GPU shows: on average {mean * 100:.1f} of them for each 100 images/s, more under slow corruptions, "
        f"whose images can't all be prepared ahead. From {1 / hand_on:.0f} images/s on, the process of the run is what "
        "is waited for, with any number of workers."
    )
