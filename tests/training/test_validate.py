import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score
from tiny_recipe import DATA, RECIPE, make

from robustbench_seg.errors import UsageError
from robustbench_seg.measure.workers import Loader
from robustbench_seg.models import build_network
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.training import loop
from robustbench_seg.training.data import Data
from robustbench_seg.training.processes import Processes
from robustbench_seg.training.validate import Validator

CPU = Processes(torch.device("cpu"))
WHOLE = {**RECIPE["validation"], "view": "whole", "limit": 2}


def test_the_score_is_the_miou_of_the_network_in_evaluation_mode_over_the_chosen_images() -> None:
    network = build_network("segformer-b0", DATA.training.class_names).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    recipe = make(validation=WHOLE)
    score = Validator(network, DATA.validation, recipe, Loader(0), CPU).score()
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    network.eval()
    truth, guess = [], []
    for image_id in (DATA.validation.ids[1], DATA.validation.ids[3]):  # two of four, evenly spaced
        sample = DATA.validation.load(image_id)
        logits = network(IMAGENET.normalise(torch.from_numpy(sample.image).permute(2, 0, 1)[None]))
        full = torch.nn.functional.interpolate(logits, (64, 96), mode="bilinear")
        labelled = sample.label != 255
        truth.append(sample.label[labelled])
        guess.append(full[0].argmax(0).numpy()[labelled])
    expected = jaccard_score(np.concatenate(truth), np.concatenate(guess), average="macro", zero_division=0)
    assert score == pytest.approx(expected, abs=1e-12)


def test_the_score_is_of_the_recipes_precision() -> None:
    network = build_network("segformer-b0", DATA.training.class_names)
    dtypes: list[torch.dtype] = []
    network.encoder.register_forward_hook(lambda module, inputs, outputs: dtypes.append(outputs[0].dtype))
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        dtypes.clear()
        Validator(network, DATA.validation, make(validation=WHOLE, precision=precision), Loader(0), CPU).score()
        assert set(dtypes) == {dtype}


def test_validation_comes_every_so_often_and_at_the_end() -> None:
    network = build_network("segformer-b0", DATA.training.class_names)
    validator = Validator(network, DATA.validation, make(iterations=8, validation=WHOLE), Loader(0), CPU)
    assert [done for done in range(9) if validator.due(done)] == [3, 6, 8]
    assert not Validator(network, None, make(validation=None), Loader(0), CPU).due(3)


@pytest.mark.parametrize(
    ("data", "change", "message"),
    [
        (Data(DATA.training), {}, "the recipe validates on streets, which was not given"),
        (
            DATA,
            {"view": {"mode": "whole", "scale": 0.25}},
            "validation: streets_\\w+: an image of 16x24 pixels, at its",
        ),
    ],
)
def test_a_validation_that_can_not_be_fails_before_the_first_iteration(
    data: Data, change: dict[str, object], message: str, tmp_path: Path
) -> None:
    def never(progress: loop.Progress) -> None:
        raise AssertionError

    with pytest.raises(UsageError, match=message):
        loop.train(make(validation={**RECIPE["validation"], **change}), data, tmp_path, report=never)


def test_a_network_that_is_never_right_scores_zero_and_not_nothing() -> None:
    network = build_network("segformer-b0", DATA.training.class_names)
    for parameter in network.parameters():
        parameter.data.zero_()
    network.decoder.classify.bias.data[17] = 1  # a class that these scenes lack, everywhere
    score = Validator(network, DATA.validation, make(validation=WHOLE), Loader(0), CPU).score()
    assert not math.isnan(score)
    assert score < 0.05
