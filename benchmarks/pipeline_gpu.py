"""One side of the part `gpu` of `benchmarks.pipeline`, in a process of its own: prints what it has measured as JSON.

    python benchmarks/pipeline_gpu.py SIDE SUITE DATA OUT PRECISION IMAGES [WORKERS]

Sides: `gpu_run` is a run of so many images of each condition, and the share of the time in which the GPU is busy;
`gpu_forward` is the bare forward pass of a batch of so many images that are on the GPU already; `gpu_counts` compares
so many images: counts of the GPU with counts that the metrics' own code makes of its maps, and logits and classes with
those of the CPU.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_sides import jobs_of, run

POLL_MS = 100
LEAST_S, AT_ONCE = 4.0, 4  # of forward passes: seconds, and those after which the GPU is waited for


def gpu_run(suite: str, data: str, out: str, precision: str, images: str, workers: str) -> dict[str, Any]:
    """Measure a suite on the GPU; the rate is from the first counted image to the last."""
    with busy_shares() as shares:
        result = run(suite, data, out, workers, device="cuda", precision=precision, limit=int(images))
    first, last = result.pop("shown")
    return {**result, "busy": [share for at, share in shares if first <= at <= last], "shown_s": last - first}


@contextmanager
def busy_shares() -> Iterator[list[tuple[float, float]]]:
    """Ask the driver in which share of a short time a kernel was at work; the list gets when it was asked, and that."""
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"-lms={POLL_MS}"]
    shares: list[tuple[float, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:

        def read() -> None:
            assert process.stdout is not None
            shares.extend((time.perf_counter(), float(line) / 100) for line in process.stdout)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield shares
        finally:
            process.terminate()
            thread.join()


def gpu_forward(suite: str, data: str, out: str, precision: str, images: str) -> dict[str, Any]:
    """Put one batch through the network again and again."""
    import torch

    from robustbench_seg.measure.views import in_precision

    dataset, ids, jobs = jobs_of(suite, data, device="cuda", limit=int(images))
    model = jobs[0].model
    batch = stacked(dataset, ids).to("cuda")
    passes, elapsed_s = 0, 0.0
    with torch.inference_mode(), in_precision(model.device, precision):
        for _ in range(AT_ONCE):
            model(batch)
        torch.cuda.synchronize()
        begin = time.perf_counter()
        while elapsed_s < LEAST_S:
            for _ in range(AT_ONCE):
                model(batch)
            torch.cuda.synchronize()
            passes, elapsed_s = passes + AT_ONCE, time.perf_counter() - begin
    return {"wall_s": elapsed_s, "batch": len(batch), "images_per_s": passes * len(batch) / elapsed_s}


def stacked(dataset: Any, ids: Any) -> Any:
    """Load images, uint8 (B, 3, H, W)."""
    import torch

    return torch.stack([torch.from_numpy(dataset.load(image_id).image).permute(2, 0, 1) for image_id in ids])


def gpu_counts(suite: str, data: str, out: str, precision: str, images: str) -> dict[str, Any]:
    """Count on the GPU and here, from maps of the GPU; compare logits and classes of the GPU and the CPU, in fp32."""
    import numpy as np
    import torch

    from robustbench_seg.measure import tally
    from robustbench_seg.measure.evaluate import evaluate
    from robustbench_seg.measure.rating import classify
    from robustbench_seg.measure.views import in_precision
    from robustbench_seg.measure.workers import Loader

    dataset, ids, jobs = jobs_of(suite, data, device="cuda", precision=precision, limit=int(images))
    model, setting = jobs[0].model, jobs[0].cell.setting
    there, _ = evaluate(model, dataset, ids, Loader(0), setting, batch=len(ids))
    tally.COUNTED_THERE = ()
    here, _ = evaluate(model, dataset, ids, Loader(0), setting, batch=len(ids))
    columns = 0
    for one, other in zip(there, here, strict=True):
        for name, values in other.counts.items():
            if not np.array_equal(one.counts[name], values):
                raise SystemExit(f"{one.image_id}: {name} differs between the GPU and the CPU")
            columns += 1
    result: dict[str, Any] = {"wall_s": 0.0, "equal_columns": columns, "images": len(ids)}
    if precision != "fp32":
        return result
    logits, classes = [], []
    batch = stacked(dataset, ids)
    for device in ("cuda", "cpu"):
        model.network.to(device)
        with torch.inference_mode(), in_precision(torch.device(device), "fp32"):
            each = [model(image[None].to(device)) for image in batch]
            classes.append(torch.cat([classify([one], (batch.shape[2], batch.shape[3])) for one in each]).cpu())
            logits.append(torch.cat(each).cpu())
    difference = (logits[0] - logits[1]).abs().max()
    return result | {
        "largest_difference": float(difference),
        "largest_logit": float(logits[1].abs().max()),
        "pixels": classes[0].numel(),
        "flips": int((classes[0] != classes[1]).sum()),
    }


SIDES = {"gpu_run": gpu_run, "gpu_forward": gpu_forward, "gpu_counts": gpu_counts}

if __name__ == "__main__":
    side, *arguments = sys.argv[1:]
    print(json.dumps(SIDES[side](*arguments)))
