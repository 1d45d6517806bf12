"""The architectures that are read: how their files are recognised, where they come from, what input they need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from . import c3net, cgnet, dicenet, espnet, espnetv2, sinet, zh320
from .recipes import CGNET_CAMVID, ESPNET_CAMVID, ESPNET_CITYSCAPES, IMAGENET, Recipe

__all__ = ["ARCHITECTURES", "Architecture", "recognise"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One architecture, and what holds for all of its published files.

    build: makes the network for a file's tensors. key: of a tensor that only its files have. recipes: by the number of
    outputs. multiple: of which H and W must be multiples. source: the repository that publishes the files. licence: of
    that repository. renamed: the beginnings of keys in the files, and what they are here.
    """

    name: str
    build: Callable[[Mapping[str, Tensor]], nn.Module]
    key: str
    recipes: Mapping[int, Recipe]
    multiple: int
    source: str
    licence: str
    renamed: Mapping[str, str] = field(default_factory=dict)


ON_CITYSCAPES = {19: IMAGENET, 20: IMAGENET}
MIT_LATER = "MIT (added to the repository after the file was removed from it)"
APACHE_LATER = "Apache-2.0 (added to the repository after the file was moved to its releases)"
ESPNET, CGNET = "https://github.com/sacmehta/ESPNet", "https://github.com/wutianyiRosun/CGNet"
C3_SINET, EDGENETS = "https://github.com/clovaai/c3_sinet", "https://github.com/sacmehta/EdgeNets"
ZH320 = "https://github.com/zh320/realtime-semantic-segmentation-pytorch"


def of_zh320(
    name: str, build: Callable[[Mapping[str, Tensor]], nn.Module], key: str, multiple: int = 8
) -> Architecture:
    """Describe an architecture of the set in zh320/."""
    return Architecture(
        name=f"{name} (zh320)",
        build=build,
        key=key,
        recipes=ON_CITYSCAPES,
        multiple=multiple,
        source=ZH320,
        licence=APACHE_LATER,
    )


ARCHITECTURES = (
    Architecture(
        name="ESPNet",
        build=espnet.build,
        key="encoder.level2_0.d16.conv.weight",
        recipes={12: ESPNET_CAMVID, 20: ESPNET_CITYSCAPES},
        multiple=8,
        source=ESPNET,
        licence="MIT",
    ),
    Architecture(
        name="ESPNetv2",
        build=espnetv2.build,
        renamed=espnetv2.KEYS,
        key="base_net.level2_0.eesp.proj_1x1.conv.weight",
        recipes=ON_CITYSCAPES,
        multiple=16,
        source=EDGENETS,
        licence="MIT",
    ),
    Architecture(
        name="DiCENet",
        build=dicenet.build,
        renamed=dicenet.KEYS,
        key="base_net.level3.0.right_layer.1.conv_channel.weight",
        recipes=ON_CITYSCAPES,
        multiple=16,
        source=EDGENETS,
        licence="MIT",
    ),
    Architecture(
        name="CGNet",
        build=cgnet.build,
        key="level2_0.F_loc.conv.weight",
        recipes={11: CGNET_CAMVID},
        multiple=1,
        source=CGNET,
        licence=MIT_LATER,
    ),
    Architecture(
        name="C3Net",
        build=c3net.build,
        key="combine_l2_l3.1.d1.conv.0.weight",
        recipes={20: ESPNET_CITYSCAPES},
        multiple=8,
        source=C3_SINET,
        licence="MIT",
    ),
    Architecture(
        name="C3NetV2",
        build=c3net.build_v2,
        key="conv_l2.conv.0.weight",
        recipes={20: ESPNET_CITYSCAPES},
        multiple=8,
        source=C3_SINET,
        licence="MIT",
    ),
    Architecture(
        name="SINet",
        build=sinet.build,
        key="encoder.BR4.bn.weight",
        recipes=ON_CITYSCAPES,
        multiple=128,
        source=C3_SINET,
        licence="MIT",
    ),
    of_zh320("ENet", zh320.enet.build, "bottleneck1.conv_pool.left_conv.0.weight"),
    of_zh320("CGNet", zh320.cgnet.build, "stage2_down.loc.weight"),
    of_zh320("DABNet", zh320.dabnet.build, "layer5_7.0.init_conv.0.weight", multiple=1),
    of_zh320("ESPNet", zh320.espnet.build, "l2_block.conv1.conv_kn.weight"),
    of_zh320("FSSNet", zh320.fssnet.build, "factorized.0.conv.0.0.weight"),
    of_zh320("EDANet", zh320.edanet.build, "stage2_d.conv.weight"),
    of_zh320("CFPNet", zh320.cfpnet.build, "cfp1.0.conv_init.0.weight"),
    of_zh320("FPENet", zh320.fpenet.build, "decoder2.sa.conv.0.weight"),
    of_zh320("FDDWNet", zh320.fddwnet.build, "layer9_16.0.conv.0.0.weight"),
    of_zh320("MiniNetv2", zh320.mininetv2.build, "m1_10.0.dw_conv.0.weight"),
    of_zh320("ADSCNet", zh320.adscnet.build, "ddcc.conv_last.weight"),
)


def recognise(tensors: Mapping[str, Any]) -> Architecture | None:
    """Find the architecture whose file this is, None for another file."""
    return next((architecture for architecture in ARCHITECTURES if architecture.key in tensors), None)
