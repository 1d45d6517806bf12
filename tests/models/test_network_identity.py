"""What tells networks and functions apart that are handed over, and what is refused since it can't be hashed."""

import functools
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MethodType, SimpleNamespace

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import transforms
from torchvision.models import segmentation

from robustbench_seg.errors import UsageError
from robustbench_seg.models.network_identity import identity_of


class Act(nn.Module):
    def __init__(self, setting: object) -> None:
        super().__init__()
        self._setting = setting

    def forward(self, images: Tensor) -> Tensor:
        return self._setting(images)


@dataclass
class Configuration:
    scale: float


class Normalise:
    def __init__(self, mean: float) -> None:
        self.mean = mean

    def __call__(self, images: Tensor) -> Tensor:
        return images - self.mean


def shifted(images: Tensor, mean: float = 0.0) -> Tensor:
    return images - mean


def negated(network: nn.Module, images: Tensor) -> Tensor:
    return -images


def linear(weight: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(weight)
    return layer


def patched(function: object) -> nn.Module:
    network = linear(1)
    network.forward = MethodType(function, network)
    return network


PAIRS = {
    "functions": (lambda: Act(functional.relu), lambda: Act(torch.neg)),
    "own functions": (lambda: Act(shifted), lambda: Act(negated)),
    "arrays": (lambda: Act(np.ones(3)), lambda: Act(np.zeros(3))),
    "numbers of numpy": (lambda: Act(np.float32(1)), lambda: Act(np.float32(2))),
    "tensors": (lambda: Act(torch.ones(3)), lambda: Act(torch.zeros(3))),
    "tensors by type": (lambda: Act(torch.zeros(2)), lambda: Act(torch.zeros(2, dtype=torch.int32))),
    "dataclasses": (lambda: Act(Configuration(1.0)), lambda: Act(Configuration(2.0))),
    "namespaces": (lambda: Act(SimpleNamespace(a=1)), lambda: Act(SimpleNamespace(a=2))),
    "networks in a list": (lambda: Act([linear(1)]), lambda: Act([linear(2)])),
    "networks in an object": (lambda: Act({"a": Normalise(linear(1))}), lambda: Act({"a": Normalise(linear(2))})),
    "a forward pass": (lambda: linear(1), lambda: patched(negated)),
    "callable objects": (lambda: Normalise(1.0), lambda: Normalise(2.0)),
    "methods": (lambda: Normalise(1.0).__call__, lambda: Normalise(2.0).__call__),
    "partials": (lambda: functools.partial(shifted, mean=1.0), lambda: functools.partial(shifted, mean=2.0)),
    "transforms": (
        lambda: transforms.Compose([transforms.Normalize([0.5], [1.0])]),
        lambda: transforms.Compose([transforms.Normalize([0.4], [1.0])]),
    ),
    "order": (lambda: Act({"a": 1, "b": 2}), lambda: Act({"b": 2, "a": 1})),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_what_differs_in_a_setting_has_another_identity(pair: tuple) -> None:
    one, other = pair
    assert identity_of(one()) == identity_of(one())
    assert identity_of(one()) != identity_of(other())


def hooked() -> nn.Module:
    network = linear(1)
    network.register_forward_hook(lambda module, inputs, output: -output)
    return network


UNREADABLE = {
    "lambda": (
        lambda: Act(lambda images: images),
        r"Act\._setting: .*<lambda> has no source file: .* give it a version",
    ),
    "generator": (lambda: Act(one for one in "a"), r"Act\._setting: a generator can't be hashed; give it a version"),
    "hook": (hooked, r"Linear\.forward hook: .*<lambda> has no source file"),
    "below": (lambda: nn.Sequential(Act({"a": [iter(print, 1), sys._getframe()]})), r"0\._setting\.a: a "),
    "scripted": (lambda: torch.jit.script(linear(1)), "has no source file: it was traced or scripted; give it a versi"),
    "traced": (lambda: torch.jit.trace(linear(1), torch.ones(1)), "has no source file: it was traced or scripted"),
    "graph": (lambda: torch.fx.symbolic_trace(linear(1)), "has no source file: it was traced or scripted"),
}


@pytest.mark.filterwarnings("ignore")  # of torch.jit
@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_t_be_hashed_needs_a_version(case: tuple) -> None:
    make, message = case
    code = make()
    with pytest.raises(UsageError, match=message):
        identity_of(code)
    assert identity_of(code, "1") != identity_of(code, "2")


def hugging() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    return transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig())


NETWORKS = {
    "fcn": lambda: segmentation.fcn_resnet50(weights=None, weights_backbone=None, num_classes=3),
    "lraspp": lambda: segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=3),
    "unet": lambda: smp.Unet("resnet18", encoder_weights=None, classes=3),
    "segformer": lambda: smp.Segformer("mit_b0", encoder_weights=None, classes=3),
    "timm": lambda: smp.Unet("tu-mobilenetv3_small_100", encoder_weights=None, classes=3),
    "transformers": hugging,
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_networks_of_libraries_need_no_version_and_stay_the_same_when_they_are_used(make) -> None:
    network = make().eval()
    before = identity_of(network)
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64))
    assert identity_of(network) == before


def test_a_compiled_network_is_the_same_network() -> None:
    network = linear(1)
    assert identity_of(torch.compile(network)) == identity_of(network)


NET = """
from torch import nn
SCALE = 2
class Net(nn.Module):
    def forward(self, images):
        return SCALE * images
"""


@pytest.mark.parametrize("seen", [True, False])
def test_a_class_whose_source_was_edited_while_it_was_in_use_is_refused_unless_it_has_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "edited_net.py").write_text(NET)
    monkeypatch.delitem(sys.modules, "edited_net", raising=False)
    module = importlib.import_module("edited_net")
    before, stated = (identity_of(module.Net(), version) if seen else None for version in ("", "1"))
    text = NET.replace("SCALE = 2", "SCALE = 3") if seen else NET.replace("SCALE *", "-SCALE *")
    (tmp_path / "edited_net.py").write_text(text)
    with pytest.raises(UsageError, match="Net: its source was edited while it was in use; start Python again"):
        identity_of(module.Net())
    edited = identity_of(module.Net(), "1")
    assert edited == stated or not seen, "the same code runs as before the edit"
    importlib.invalidate_caches()
    again = importlib.reload(module)
    assert identity_of(again.Net()) != before
    assert identity_of(again.Net(), "1") != edited
