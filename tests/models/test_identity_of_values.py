"""Values of networks that libraries make: quantised tensors, patterns, handles, and where files were read."""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch
from tiny_networks import TRANSFORMERS, make_transformers
from torch import nn

from robustbench_seg.errors import UsageError
from robustbench_seg.models import load_source
from robustbench_seg.models.network_identity import identity_of
from robustbench_seg.models.source import Source

CPU = torch.device("cpu")


class Holder(nn.Module):
    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


def same(module: nn.Module, inputs: object, output: object) -> object:
    return output


@numba.njit
def compiled(images: Any) -> Any:
    return images + 1


def quantised(scale: float, zero: int) -> torch.Tensor:
    return torch.quantize_per_tensor(torch.zeros(2), scale, zero, torch.quint8)


def per_channel(scale: float) -> torch.Tensor:
    return torch.quantize_per_channel(torch.zeros(2, 2), torch.tensor([scale, 1.0]), torch.zeros(2), 0, torch.qint8)


def with_object(value: object) -> np.ndarray:
    return np.array([(value, 1)], dtype=[("a", object), ("b", int)])


def with_zero(point: int) -> torch.Tensor:
    return torch._make_per_tensor_quantized_tensor(torch.zeros(2, dtype=torch.uint8), 1.0, point)


PAIRS = {
    "scales": lambda: (quantised(1.0, 0), quantised(2.0, 0)),
    "zero points": lambda: (with_zero(0), with_zero(5)),
    "scales of channels": lambda: (per_channel(1.0), per_channel(2.0)),
    "patterns": lambda: (re.compile("a"), re.compile("b")),
    "flags of patterns": lambda: (re.compile("a"), re.compile("a", re.IGNORECASE)),
    "ufuncs": lambda: (np.log, np.exp),
    "types": lambda: (int | None, float | None),
    "objects in an array": lambda: (with_object("one"), with_object("other")),
    "settings of numba": lambda: (compiled, numba.njit(fastmath=True)(compiled.py_func)),
}


@pytest.mark.filterwarnings("ignore")  # of quantised tensors
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_values_that_differ_in_a_setting_are_told_apart(pair: Callable[[], tuple[object, object]]) -> None:
    one, other = pair()
    assert identity_of(Holder(one)) != identity_of(Holder(other))


def test_two_arrays_of_equal_objects_are_the_same() -> None:
    texts = [" ".join(["the", word]) for word in ("same", "same")]
    assert texts[0] is not texts[1]
    assert identity_of(Holder(with_object(texts[0]))) == identity_of(Holder(with_object(texts[1])))


def test_a_function_that_numba_compiles_is_the_same_in_two_objects() -> None:
    assert identity_of(Holder(compiled)) == identity_of(Holder(numba.njit(compiled.py_func)))


def test_a_ufunc_of_a_function_needs_a_version() -> None:
    with pytest.raises(UsageError, match=r"Holder\.value: a ufunc that is not numpy's can't be hashed; give it a vers"):
        identity_of(Holder(np.frompyfunc(functools.partial(max, 1), 1, 1)))


def test_the_number_of_a_hook_does_not_count() -> None:
    network, other = nn.Linear(1, 1), nn.Linear(1, 1)
    other.load_state_dict(network.state_dict())
    for one in (network, other):
        one.handle = one.register_forward_hook(same)
    assert network.handle.id != other.handle.id
    assert identity_of(network) == identity_of(other)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["segformer", "beit", "upernet", "mask2former"])
def test_a_network_of_from_pretrained_needs_no_version_and_its_folder_may_be_moved(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    read = getattr(transformers, TRANSFORMERS[kind][2]).from_pretrained
    network, found = make_transformers(kind), []
    for name in ("here", "there"):
        network.save_pretrained(tmp_path / name)
        again = read(tmp_path / name).eval()
        found.append(identity_of(again))
        with torch.inference_mode():
            again(torch.zeros(1, 3, 64, 64))
        found.append(identity_of(again))
    assert len({str(one) for one in found}) == 1
    with torch.no_grad():
        next(again.parameters()).add_(1)
    assert identity_of(again) != found[0]


FACTORY = """
from collections.abc import Callable
from pathlib import Path
from robustbench_seg.models.base import NetworkSegmenter
from transformers import SegformerForSemanticSegmentation
FOLDER = Path(__file__).parent / "weights"
def make():
    return SegformerForSemanticSegmentation.from_pretrained(FOLDER)
class Logits(SegformerForSemanticSegmentation):
    def forward(self, images):
        return super().forward(images).logits
def segment(class_names):
    return NetworkSegmenter(
        name="mine", network=Logits.from_pretrained(FOLDER), class_names=class_names, licence="MIT",
        checkpoint_sha256="none", about=f"read from {FOLDER}",
    )
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", ["make", "segment"])
def test_a_function_that_reads_a_folder_next_to_it_makes_the_same_model_in_another_place(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    network = make_transformers("segformer")
    found = []
    for name in ("here", "there"):
        network.save_pretrained(tmp_path / name / "weights")
        (tmp_path / name / "moved_net.py").write_text(FACTORY)
        monkeypatch.delitem(sys.modules, "moved_net", raising=False)
        source = Source.parse(f"{tmp_path / name}/moved_net.py:{function}")
        found.append(load_source(source, "mine", tuple("abcde"), CPU).checkpoint_sha256)
    assert found[0] == found[1]


def onnx_session() -> object:
    runtime = pytest.importorskip("onnxruntime")
    return object.__new__(runtime.InferenceSession)


def test_a_session_of_onnxruntime_needs_a_version_and_is_of_that_version() -> None:
    with pytest.raises(UsageError, match=r"Holder\.value: a InferenceSession of onnxruntime can't be hashed"):
        identity_of(Holder(onnx_session()))
    first, second = onnx_session(), onnx_session()
    first._model_path, second._model_path = "here", "there"
    assert identity_of(Holder(first), "1") == identity_of(Holder(second), "1")
