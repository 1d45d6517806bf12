"""One side of `benchmarks.pipeline` in a process of its own: prints what it has measured as a line of JSON.

    python benchmarks/pipeline_sides.py SIDE SUITE DATA OUT WORKERS

`robustbench_seg` is imported from PYTHONPATH, so that another checkout can be measured too. Sides: `sweep` is a run,
`reported` a run with its report, `single` a run of the same code in which each cell is a sweep of its own, `forward`
the bare forward passes of all models, `kept` these in a process that keeps the memory it frees, as a run does, `script`
what a plain script of Transformers, imagecorruptions and torchmetrics does for one model, whose folder is WORKERS.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
DATASET = "cityscapes"


def run(suite: str, data: str, out: str, workers: str, *, alone: bool = False, **chosen: Any) -> dict[str, Any]:
    """Measure the suite; the time is from its plan to its last cell. chosen: more options of the run."""
    import robustbench_seg as rb
    from robustbench_seg.measure import runner
    from robustbench_seg.measure.plan import Options
    from robustbench_seg.suites import read_suite

    class Clock(runner.Listener):
        def __init__(self) -> None:
            self.images: list[float] = []

        def planned(self, done: int, waiting: list[Any]) -> None:
            self.begin, self.cells = time.perf_counter(), len(waiting)

        def image(self) -> None:
            self.images.append(time.perf_counter())

    if alone:
        from robustbench_seg.measure.sweep import Sweep

        runner.sweeps_of = lambda waiting: [Sweep(job.cell.condition, (job,)) for job in waiting]
    clock, calls = Clock(), counted_calls()
    options = Options(data={DATASET: Path(data)}, workers=int(workers), **chosen)
    if failed := runner.run(read_suite(suite), Path(out), options, clock):
        raise SystemExit(f"{len(failed)} cells failed")
    wall_s = time.perf_counter() - clock.begin
    frame = rb.read_results(out).frame()
    scores = {f"{row.model} {row.corruption} {row.severity}": row.miou for row in frame.itertuples()}
    first, last = clock.images[0], clock.images[-1]
    rate = {"images_per_s": (len(clock.images) - 1) / (last - first), "shown": (first, last)}
    return {"wall_s": wall_s, "cells": clock.cells, **rate, "calls": calls, "miou": scores}


def counted_calls() -> dict[str, int]:
    """Count from now on how often this process, its workers left out, decodes an image and corrupts one."""
    from functools import partial

    from robustbench_seg.datasets import file_dataset
    from robustbench_seg.measure import prepare

    calls = {"decoded": 0, "corrupted": 0}
    places: list[tuple[str, Any, str]] = [("decoded", file_dataset, "decode_image"), ("corrupted", prepare, "corrupt")]

    def counting(usual: Any, name: str, *values: Any, **more: Any) -> Any:
        calls[name] += 1
        return usual(*values, **more)

    for name, module, function in places:
        setattr(module, function, partial(counting, getattr(module, function), name))
    return calls


def jobs_of(suite: str, data: str, **chosen: Any) -> tuple[Any, Any, list[Any]]:
    """Open what a side measures: the data set, the ids of its images, and a job for each cell. chosen: see `run`."""
    from robustbench_seg.measure.plan import Options, make_jobs, open_data
    from robustbench_seg.suites import read_suite

    options = Options(data={DATASET: Path(data)}, **chosen)
    dataset, ids = open_data(read_suite(suite), options)
    _, jobs = make_jobs(read_suite(suite), options, dataset, ids)
    return dataset, ids, jobs


def forward(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """Put every image through every model, and through nothing else, as often as there are conditions."""
    import torch

    from robustbench_seg.measure.devices import torch_threads

    dataset, ids, jobs = jobs_of(suite, data)
    models = {job.cell.model: job for job in jobs}
    seconds: dict[str, float] = {}
    images = [torch.from_numpy(dataset.load(image_id).image).permute(2, 0, 1)[None] for image_id in ids]
    for name, job in models.items():
        with torch.inference_mode(), torch_threads(job.record.environment["threads"]):
            job.model(images[0])
            begin = time.perf_counter()
            for image in images:
                job.model(image)
            seconds[name] = (time.perf_counter() - begin) * len(jobs) / len(models)
    return {"wall_s": sum(seconds.values()), "by_model": seconds, "cells": len(jobs)}


def kept(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """`forward`, where arrays that are freed leave their memory to the next ones."""
    from robustbench_seg.measure.devices import memory_kept

    with memory_kept():
        return forward(suite, data, out, workers)


def script(suite: str, data: str, out: str, model: str) -> dict[str, Any]:
    """What one writes without this package: a loop over conditions and files, for one model of Transformers."""
    import numpy as np
    import torch
    import yaml
    from cityscapesscripts.helpers.labels import labels
    from PIL import Image
    from torchmetrics import JaccardIndex
    from transformers import SegformerForSemanticSegmentation

    sys.path.insert(0, str(TESTS))
    import oracle

    content = yaml.safe_load(Path(suite).read_text(encoding="utf-8"))
    conditions: Mapping[str, list[int]] = {"clean": [0], **content["conditions"]}
    train_ids = np.full(256, 255, np.uint8)
    for label in labels:
        if 0 <= label.trainId < 255 and label.id >= 0:
            train_ids[label.id] = label.trainId
    network = SegformerForSemanticSegmentation.from_pretrained(model).eval()
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    files = sorted(Path(data).glob("leftImg8bit/*/*/*.png"))
    begin, scores = time.perf_counter(), {}
    for name, severities in conditions.items():
        for severity in severities:
            metric = JaccardIndex(task="multiclass", num_classes=19, ignore_index=255)
            for number, path in enumerate(files):
                image = np.asarray(Image.open(path).convert("RGB"))
                place = str(path).replace("leftImg8bit.png", "gtFine_labelIds.png").replace("/leftImg8bit/", "/gtFine/")
                truth = torch.from_numpy(train_ids[np.asarray(Image.open(place))])[None].long()
                if severity:
                    image = np.asarray(oracle.corrupt(image, name, severity, number))
                pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
                with torch.inference_mode():
                    logits = network(((pixels - mean) / std)[None]).logits
                    logits = torch.nn.functional.interpolate(logits, truth.shape[1:], mode="bilinear")
                metric.update(logits.argmax(dim=1), truth)
            scores[f"{name} {severity}"] = float(metric.compute())
    return {"wall_s": time.perf_counter() - begin, "miou": scores}


def reported(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """`run`, and its report."""
    import robustbench_seg as rb

    result = run(suite, data, out, workers)
    begin = time.perf_counter()
    rb.read_results(out).report(Path(out, "report"))
    return {**result, "wall_s": result["wall_s"] + time.perf_counter() - begin}


def single(suite: str, data: str, out: str, workers: str) -> dict[str, Any]:
    """`run`, with each cell as a sweep of its own."""
    return run(suite, data, out, workers, alone=True)


SIDES = {"sweep": run, "reported": reported, "single": single, "forward": forward, "kept": kept, "script": script}

if __name__ == "__main__":
    side, *arguments = sys.argv[1:]
    print(json.dumps(SIDES[side](*arguments)))
