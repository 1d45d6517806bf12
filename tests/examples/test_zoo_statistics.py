"""Fed as its recipe says, a network sees what it saw in training: BatchNorm's stored statistics are the witness.

Each BatchNorm keeps mean and variance of its input over the training images. A wrong normalisation, dilation, padding,
order of layers or epsilon changes them from that layer on, and leaves no trace in the shapes. CamVid is not Cityscapes,
so they agree roughly; they are far off where something is read wrongly. Only training frames are used.
"""

from pathlib import Path

import numpy as np
import pytest
import seg_zoo
import torch
from seg_zoo.files import load
from seg_zoo.models import Padded
from torch import Tensor, nn
from zoo_files import ROWS, needs_weights, path_of

from robustbench_seg.datasets.camvid import CamVid

CAMVID = Path(__file__).parents[3] / "shared/camvid"
NETWORKS = [name for name, row in ROWS.items() if row["recipe"] == "B"] or ["none"]
pytestmark = [needs_weights, pytest.mark.skipif(not CAMVID.is_dir(), reason=f"no CamVid in {CAMVID}")]


def batch_norm_gaps(network: nn.Module, images: Tensor) -> tuple[list[float], list[float]]:
    """Compare the input of each BatchNorm with its statistics; the median over channels, by layer.

    Returns |mean - stored mean| / stored deviation, and the logarithm of variance / stored variance.
    """
    means, variances = [], []

    def compare(layer: nn.Module, given: tuple[Tensor]) -> None:
        x = given[0]
        # Some files store -1.4e-12 for a channel that is always zero.
        deviation = (layer.running_var.clamp(min=0) + 1e-12).sqrt()
        means.append(((x.mean((0, 2, 3)) - layer.running_mean) / deviation).abs().median().item())
        spread = (x.var((0, 2, 3), unbiased=False) + 1e-12) / deviation**2
        variances.append(spread.log().median().item())

    hooks = [
        layer.register_forward_pre_hook(compare) for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)
    ]
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    return means, variances


def frames(number: int) -> Tensor:
    data = CamVid(CAMVID, "train")
    ids = [data.ids[k] for k in np.linspace(0, len(data.ids) - 1, number).round().astype(int)]
    return torch.stack([torch.from_numpy(np.ascontiguousarray(data.load(name).image)).permute(2, 0, 1) for name in ids])


def fed(name: str, number: int) -> tuple[nn.Module, Tensor]:
    """A network with all its layers, padded as its model of the suite, and what that model feeds it for some frames."""
    loaded, model = load(path_of(name)), seg_zoo.make(path_of(name))
    return Padded(loaded.network, loaded.architecture.multiple), model.preprocessing.normalise(frames(number))


@pytest.mark.parametrize("name", NETWORKS)
def test_recipe_b_meets_the_statistics_of_training_in_each_layer(name: str) -> None:
    means, variances = batch_norm_gaps(*fed(name, 2))
    assert np.median(means) < 0.4
    assert max(means) < 1.5
    assert abs(np.median(variances)) < 0.6


@needs_weights
def test_without_the_division_by_255_nothing_is_met() -> None:
    network, images = fed("c3net_cityscapes.pth", 1)
    means, variances = batch_norm_gaps(network, 255 * images)
    assert max(means) > 1.5
    assert max(variances) > 5
