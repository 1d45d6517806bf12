"""One probe of `benchmarks.pipeline` in a process of its own: prints what it has measured as a line of JSON.

    python benchmarks/pipeline_probes.py PROBE SUITE DATA OUT NUMBER

Probes: `prepare` is reading, corrupting and handing over by so many workers; `handover` is handing over alone, so many
images; `flips` compares the classes of pixels between batches of so many images, threads and devices; `memory` watches
a run; `stages` times the stages of a run, with batches of so many images for a GPU.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_sides import DATASET, jobs_of

HANDED_OVER = 100  # images of the probe stages


def prepare(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """Read, corrupt and hand over each image under each condition; images per second by corruption."""
    from robustbench_seg.measure.plan import Options, open_data
    from robustbench_seg.measure.prepare import prepare_under
    from robustbench_seg.measure.workers import Loader
    from robustbench_seg.store.cell import Condition
    from robustbench_seg.suites import read_suite

    target = read_suite(suite)
    dataset, ids = open_data(target, Options(data={DATASET: Path(data)}))
    assert dataset is not None
    rates = {}
    with Loader(int(workers)) as loader:
        for name, severities in {"clean": (0,), **target.conditions}.items():
            made = prepare_under(Condition(name, severities[0]), dataset)
            for _ in loader.map(made, ids[: max(1, int(workers))]):  # compiles, reads textures
                pass
            begin = time.perf_counter()
            count = sum(1 for _ in loader.map(made, ids))
            rates[name] = count / (time.perf_counter() - begin)
    return {"images_per_s": rates}


def handover(suite: str, data: str, out: str, images: str) -> dict[str, Any]:
    """Hand an image over from a worker, in shared memory and through the pipe: CPU seconds of both processes."""
    from robustbench_seg.measure import workers
    from robustbench_seg.measure.plan import Options, open_data
    from robustbench_seg.suites import read_suite

    dataset, (image_id, *_) = open_data(read_suite(suite), Options(data={DATASET: Path(data)}))
    assert dataset is not None
    taken = {}
    for way, segments in {"shared memory": workers.segments_of_each, "the pipe": lambda workers: 0}.items():
        workers.segments_of_each = segments
        taken[way] = sum(handed_over(dataset.load(image_id), int(images)))
    return {"cpu_s": taken}


def handed_over(sample: Any, images: int) -> tuple[float, float]:
    """Hand a sample over from a worker again and again; the CPU seconds of each time, of the worker and here."""
    from functools import partial

    from robustbench_seg.measure.workers import Loader

    with Loader(1) as loader:
        for _ in range(2):  # the first time starts the process and makes its memory
            before = next(loader.map(process_time, [0])), time.process_time()
            for _ in loader.map(partial(constant, sample), range(images)):
                pass
            after = next(loader.map(process_time, [0])), time.process_time()
    return (after[0] - before[0]) / images, (after[1] - before[1]) / images


def process_time(item: int) -> float:
    """The CPU seconds of this process."""
    return time.process_time()


def flips(suite: str, data: str, out: str, batch: str) -> dict[str, Any]:
    """Count the pixels that get another class in a batch, with another number of threads, and on a GPU."""
    import torch

    from robustbench_seg.measure.devices import torch_threads
    from robustbench_seg.measure.views import predict
    from robustbench_seg.store.view import View

    dataset, ids, jobs = jobs_of(suite, data)
    samples = [dataset.load(image_id) for image_id in ids]
    images = torch.stack([torch.from_numpy(sample.image) for sample in samples])
    own = torch.get_num_threads()
    other = 1 if own > 1 else 2
    flipped: dict[str, dict[str, int]] = {}
    for name, model in {job.cell.model: job.model for job in jobs}.items():

        def classes(size: int, threads: int | None = None, model: Any = model) -> torch.Tensor:
            with torch_threads(threads):
                parts = [predict(model, part, View(), samples[0].label.shape, "fp32") for part in images.split(size)]
            return torch.cat(parts).cpu()

        expected = classes(1)
        found = {f"a batch of {batch}": classes(int(batch)), f"{other} for {own} threads": classes(1, other)}
        if torch.cuda.is_available():
            model.network.to("cuda")
            on_gpu = classes(1)
            found |= {"a GPU": on_gpu}
            flipped[f"{name}, on a GPU"] = {f"a batch of {batch}": int((classes(int(batch)) != on_gpu).sum())}
        flipped[name] = {change: int((got != expected).sum()) for change, got in found.items()}
    return {"wall_s": 0.0, "pixels": int(images[..., 0].numel()), "flips": flipped}


def memory(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """Measure a suite, and note the memory of this process after every 100 images of a cell, MiB; no files in it."""
    from robustbench_seg.measure import runner
    from robustbench_seg.measure.plan import Options
    from robustbench_seg.suites import read_suite

    class Watch(runner.Listener):
        images, mib = 0, []  # type: ignore[var-annotated]

        def image(self) -> None:
            self.images += 1
            if self.images % 100 == 0:
                lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
                own = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))]
                self.mib.append(sum(own) / 1024)

    watch, begin = Watch(), time.perf_counter()
    options = Options(data={DATASET: Path(data)}, workers=int(workers))
    if failed := runner.run(read_suite(suite), Path(out), options, watch):
        raise SystemExit(f"{len(failed)} cells failed")
    return {"wall_s": time.perf_counter() - begin, "images": watch.images, "mib": watch.mib}


def stages(suite: str, data: str, out: str, batch: str) -> dict[str, Any]:
    """Time the stages of a run apart: seconds for an image, of decoded images as all but the first condition have.

    To hand an image over is work of a worker (`give`, part of preparing it) and of the process of the run (`take`);
    this one also puts so many images together for a GPU (`stack`).
    """
    import torch

    from robustbench_seg.datasets.in_memory import InMemory
    from robustbench_seg.measure.devices import torch_threads
    from robustbench_seg.measure.evaluate import evaluate
    from robustbench_seg.measure.prepare import prepare_under
    from robustbench_seg.measure.workers import Loader

    dataset, ids, jobs = jobs_of(suite, data)
    held = InMemory(dataset)
    samples = [held.load(image_id) for image_id in ids]
    prepared: dict[str, float] = {}
    for condition in dict.fromkeys(job.cell.condition for job in jobs):
        make = prepare_under(condition, held)
        make(ids[0])  # compiles, reads textures
        prepared[str(condition)] = timed(lambda make=make: [make(image_id) for image_id in ids]) / len(ids)
    models = {job.cell.model: job for job in jobs}
    forward = shown = 0.0
    for job in models.values():
        with torch_threads(job.record.environment["threads"]):
            evaluate(job.model, held, ids[:1], Loader(0), job.cell.setting)
            begin = time.perf_counter()
            _, timings = evaluate(job.model, held, ids, Loader(0), job.cell.setting)
            shown += (time.perf_counter() - begin) / len(ids)
            forward += timings["model_s"] / len(ids)
    give, take = handed_over(samples[0], HANDED_OVER)
    stack = 0.0
    for array in (samples[0].image, samples[0].label):
        host, some = torch.empty((int(batch), *array.shape), dtype=torch.uint8), [torch.from_numpy(array)] * int(batch)
        torch.stack(some, out=host)  # pages of new memory are cleared
        stack += timed(lambda host=host, some=some: [torch.stack(some, out=host) for _ in ids]) / len(ids) / int(batch)
    each = {"prepare": prepared, "give": give, "take": take, "stack": stack, "forward": forward, "show": shown}
    return {"wall_s": 0.0, **each}


def constant(value: Any, image_id: str) -> Any:
    """Hand over the same value each time."""
    return value


def timed(work: Any) -> float:
    """Measure the seconds that a function takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


PROBES = {"prepare": prepare, "handover": handover, "flips": flips, "memory": memory, "stages": stages}

if __name__ == "__main__":
    probe, *arguments = sys.argv[1:]
    print(json.dumps(PROBES[probe](*arguments)))
