"""Models that a suite does not list are named on the command line."""

import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.suites import Suite, with_weights

OPEN = Suite(name="open", description="", dataset={"name": "streets", "split": "test"})


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("segformer-b0", "segformer-b0"),
        ("segformer-b0-mix-s1", "segformer-b0"),
        ("deeplabv3plus-mobilenet_v2-s0", "deeplabv3plus-mobilenet_v2"),
        ("deeplabv3plus-tu-xception65-mine", "deeplabv3plus-tu-xception65"),
    ],
)
def test_a_name_is_a_known_model_or_that_with_a_suffix(name: str, model: str) -> None:
    (spec,) = with_weights(OPEN, {name: "a.safetensors"})
    assert (spec.name, spec.model, spec.weights) == (name, model, "a.safetensors")


@pytest.mark.parametrize("name", ["unet", "segformer", "segformer-b01", "segformer-b0_mine", "my-segformer-b0"])
def test_any_other_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=rf"--weights {name}: unknown model; known, alone or with -SUFFIX: segf.*onnx"):
        with_weights(OPEN, {name: "a.safetensors"})


@pytest.mark.parametrize("name", ["segformer-b0-my run", "segformer-b0-mine/v2", f"segformer-b0-{'x' * 60}"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"--weights {name}: a name has up to 64 letters, digits, dots"):
        with_weights(OPEN, {name: "a.safetensors"})


def test_one_weights_file_may_stand_under_several_names() -> None:
    assert [m.name for m in with_weights(OPEN, {"segformer-b0-a": "w", "segformer-b0-b": "w"})] == [
        "segformer-b0-a",
        "segformer-b0-b",
    ]
