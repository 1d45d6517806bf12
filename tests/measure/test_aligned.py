"""A model of other classes than the data set's, against loops over pixels."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.aligned import align_model, alignment_of, outputs_of
from robustbench_seg.measure.views import predict, rated_prediction
from robustbench_seg.store.cell import View

CLASSES = ("sky", "way", "tree", "car")
TABLE = {"road": "way", "path": "way", "heaven": "sky", "boat": None, "car": "car"}
TO = [1, 4, 0, 3, 1]  # of road, boat, heaven, car, path; 4 is nothing; tree is reached by none
SIZE = (37, 50)


class Five:
    """A model of five classes whose logits at 1/4 depend on pixels."""

    def __init__(self) -> None:
        self.name, self.licence, self.checkpoint_sha256, self.about, self.parameters = "five", "", "abc", "five", 0
        self.class_names: tuple[str, ...] = ("road", "boat", "heaven", "car", "path")
        self.device = torch.device("cpu")

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(images.float(), 4, ceil_mode=True) / 40
        mixed = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.4, 0.7]])
        return torch.einsum("kc,bchw->bkhw", mixed, pooled)


def aligned() -> Five:
    model = Five()
    align_model(model, CLASSES, TABLE)
    return model


def random_pair() -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(2)
    image = torch.randint(256, (40, 52, 3), dtype=torch.uint8, generator=draws)
    label = torch.randint(4, SIZE, dtype=torch.uint8, generator=draws)
    label[:3] = 255
    return image, label


def probabilities_slowly(image: torch.Tensor, scales: tuple[float, ...]) -> np.ndarray:
    """The model's own probabilities at the label's size, the mean over scales, (5, H, W) in double precision."""
    found = []
    for scale in scales:
        pixels = image.permute(2, 0, 1)[None].float()
        if scale != 1:
            size = (round(scale * 40), round(scale * 52))
            pixels = functional.interpolate(pixels, size, mode="bilinear", align_corners=False).round()
        logits = functional.interpolate(Five()(pixels), SIZE, mode="bilinear", align_corners=False)[0].double()
        found.append(logits.softmax(dim=0).numpy())
    return np.mean(found, axis=0)


@pytest.mark.parametrize("scales", [(1.0,), (0.8, 1.0, 1.5)])
def test_predictions_confidence_and_likelihood_are_those_of_a_loop_over_pixels(scales: tuple[float, ...]) -> None:
    image, label = random_pair()
    view = View(scale=scales)
    rated = rated_prediction(aligned(), image, view, label, "fp32")
    assert torch.equal(predict(aligned(), image, view, SIZE, "fp32"), rated.classes)
    own = probabilities_slowly(image, scales)
    chosen = set()
    for row, column in np.ndindex(*SIZE):
        values = own[:, row, column]
        best = int(values.argmax())
        chosen.add(best)
        assert rated.classes[row, column] == TO[best]
        sure = sum(values[k] for k in range(5) if TO[k] == TO[best])
        assert rated.confidence[row, column] == pytest.approx(sure, abs=2e-6)
        if (right := int(label[row, column])) != 255:
            probability = sum(values[k] for k in range(5) if TO[k] == right)
            expected = math.log(probability) if probability else math.log(torch.finfo(torch.float32).tiny)
            assert rated.log_likelihood[row, column] == pytest.approx(expected, abs=2e-5)
    assert len(chosen) >= 3


def test_windows_have_as_many_scores_as_the_model_has_logits() -> None:
    image, _ = random_pair()
    view = View(mode="slide", crop=40, stride=12)
    own = predict(Five(), image, view, SIZE, "fp32")
    assert torch.equal(predict(aligned(), image, view, SIZE, "fp32"), torch.tensor(TO)[own])


def test_an_aligned_model_has_the_data_sets_classes_and_another_identity() -> None:
    model, other, same = aligned(), Five(), Five()
    assert model.class_names == CLASSES
    assert outputs_of(model) == 5
    align_model(other, CLASSES, {**TABLE, "boat": "tree"})
    assert len({model.checkpoint_sha256, other.checkpoint_sha256, "abc"}) == 3
    assert align_model(same, ("road", "boat", "heaven", "car", "path")) is None
    assert (same.checkpoint_sha256, same.about, alignment_of(same)) == ("abc", "five", None)
    reordered = Five()
    align_model(reordered, ("path", "road", "boat", "heaven", "car"))
    assert reordered.checkpoint_sha256 != "abc"


def test_a_model_without_a_common_class_is_refused() -> None:
    with pytest.raises(UsageError, match="no class of the model"):
        align_model(Five(), CLASSES[:1])
