"""The architectures that are read: how their files are recognised, where they come from, what input they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .recipes import CGNET_CAMVID, ESPNET_CAMVID, ESPNET_CITYSCAPES, IMAGENET, Recipe

__all__ = ["ARCHITECTURES", "Architecture", "recognise"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One architecture, and what holds for all of its published files.

    module: holds `build`, the function that makes the network for a file's tensors. key: of a tensor that only its
    files have. recipes: by the number of outputs. multiple: of which H and W must be multiples. source: the repository
    that publishes the files. licence: of that repository.
    """

    name: str
    module: str
    key: str
    recipes: Mapping[int, Recipe]
    multiple: int
    source: str
    licence: str
    function: str = "build"

    @property
    def code(self) -> Any:
        return import_module(self.module, __package__)


ON_CITYSCAPES = {19: IMAGENET, 20: IMAGENET}
MIT_LATER = "MIT (added to the repository after the file was removed from it)"
APACHE_LATER = "Apache-2.0 (added to the repository after the file was moved to its releases)"
ESPNET, CGNET = "https://github.com/sacmehta/ESPNet", "https://github.com/wutianyiRosun/CGNet"
C3_SINET, EDGENETS = "https://github.com/clovaai/c3_sinet", "https://github.com/sacmehta/EdgeNets"
ZH320 = "https://github.com/zh320/realtime-semantic-segmentation-pytorch"


def of_zh320(name: str, key: str, multiple: int = 8) -> Architecture:
    """Describe an architecture of the set in zh320/, whose module has its name."""
    return Architecture(
        name=f"{name} (zh320)",
        module=f".zh320.{name.lower()}",
        key=key,
        recipes=ON_CITYSCAPES,
        multiple=multiple,
        source=ZH320,
        licence=APACHE_LATER,
    )


ARCHITECTURES = (
    Architecture(
        name="ESPNet",
        module=".espnet",
        key="encoder.level2_0.d16.conv.weight",
        recipes={12: ESPNET_CAMVID, 20: ESPNET_CITYSCAPES},
        multiple=8,
        source=ESPNET,
        licence="MIT",
    ),
    Architecture(
        name="ESPNetv2",
        module=".espnetv2",
        key="base_net.level2_0.eesp.proj_1x1.conv.weight",
        recipes=ON_CITYSCAPES,
        multiple=16,
        source=EDGENETS,
        licence="MIT",
    ),
    Architecture(
        name="DiCENet",
        module=".dicenet",
        key="base_net.level3.0.right_layer.1.conv_channel.weight",
        recipes=ON_CITYSCAPES,
        multiple=16,
        source=EDGENETS,
        licence="MIT",
    ),
    Architecture(
        name="CGNet",
        module=".cgnet",
        key="level2_0.F_loc.conv.weight",
        recipes={11: CGNET_CAMVID},
        multiple=1,
        source=CGNET,
        licence=MIT_LATER,
    ),
    Architecture(
        name="C3Net",
        module=".c3net",
        key="combine_l2_l3.1.d1.conv.0.weight",
        recipes={20: ESPNET_CITYSCAPES},
        multiple=8,
        source=C3_SINET,
        licence="MIT",
    ),
    Architecture(
        name="C3NetV2",
        module=".c3net",
        function="build_v2",
        key="conv_l2.conv.0.weight",
        recipes={20: ESPNET_CITYSCAPES},
        multiple=8,
        source=C3_SINET,
        licence="MIT",
    ),
    Architecture(
        name="SINet",
        module=".sinet",
        key="encoder.BR4.bn.weight",
        recipes=ON_CITYSCAPES,
        multiple=128,
        source=C3_SINET,
        licence="MIT",
    ),
    of_zh320("ENet", "bottleneck1.conv_pool.left_conv.0.weight"),
    of_zh320("CGNet", "stage2_down.loc.weight"),
    of_zh320("DABNet", "layer5_7.0.init_conv.0.weight", multiple=1),
    of_zh320("ESPNet", "l2_block.conv1.conv_kn.weight"),
    of_zh320("FSSNet", "factorized.0.conv.0.0.weight"),
    of_zh320("EDANet", "stage2_d.conv.weight"),
    of_zh320("CFPNet", "cfp1.0.conv_init.0.weight"),
    of_zh320("FPENet", "decoder2.sa.conv.0.weight"),
    of_zh320("FDDWNet", "layer9_16.0.conv.0.0.weight"),
    of_zh320("MiniNetv2", "m1_10.0.dw_conv.0.weight"),
    of_zh320("ADSCNet", "ddcc.conv_last.weight"),
)


def recognise(tensors: Mapping[str, Any]) -> Architecture | None:
    """Find the architecture whose file this is, None for another file."""
    return next((architecture for architecture in ARCHITECTURES if architecture.key in tensors), None)
