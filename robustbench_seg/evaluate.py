"""One quality cell: each image is loaded, corrupted, put through the model and counted."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from .condition import Condition, prepare
from .datasets.base import IGNORE, Dataset, LabelMap, Sample
from .loading import Loader
from .metrics import count_classes
from .models.base import Segmenter
from .record import View
from .store import ImageCounts
from .views import predict

__all__ = ["evaluate"]


CLEAN_CONDITION = Condition()
WHOLE = View()


def evaluate(
    model: Segmenter,
    dataset: Dataset,
    ids: Sequence[str],
    loader: Loader,
    *,
    condition: Condition = CLEAN_CONDITION,
    view: View = WHOLE,
    precision: str = "fp32",
    on_image: Callable[[Sample, LabelMap], None] = lambda sample, prediction: None,
) -> tuple[list[ImageCounts], dict[str, float]]:
    """Evaluate a model on images of a data set; scores are at each label's native size.

    on_image is called with each sample, corrupted, and its predicted label map. Returns the counts of each image, in
    the order of ids, and seconds: of the whole, spent waiting for images, and spent in the model.
    """
    rows: list[ImageCounts] = []
    timings = {"total_s": 0.0, "waiting_s": 0.0, "model_s": 0.0}
    begin = before = time.perf_counter()
    for sample in loader.map(partial(prepare, dataset, condition), ids):
        loaded = time.perf_counter()
        height, width = sample.label.shape
        image = torch.from_numpy(np.ascontiguousarray(sample.image))
        prediction = predict(model, image, view, (height, width), precision).cpu().numpy().astype(np.uint8)
        predicted = time.perf_counter()
        rows.append(
            (
                sample.image_id,
                height,
                width,
                count_classes(prediction, sample.label, len(model.class_names), IGNORE),
            )
        )
        on_image(sample, prediction)
        timings["waiting_s"] += loaded - before
        timings["model_s"] += predicted - loaded
        before = time.perf_counter()
    timings["total_s"] = before - begin
    return rows, timings
