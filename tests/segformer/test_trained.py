"""Options in an MMSegmentation configuration that change logits, but neither a key nor a shape of the weights."""

from pathlib import Path

import pytest
import torch
from wrapping import network, nvlabs_state

from segformer import CheckpointError, load_checkpoint

CONFIG = """
norm_cfg = dict(type='SyncBN', requires_grad=True, eps=1e-5)  # eps=1
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='MixVisionTransformer', num_heads=[1, 2, 5, 8], strides=(4, 2, 2, 2), out_indices=(0, 1, 2, 3),
        act_cfg=dict(type='GELU'), norm_cfg=dict(type='LN', eps=1e-06), init_cfg=dict(type='Pretrained', x=(1, 2))),
    decode_head=dict(
        type='SegformerHead', in_index=[0, 1, 2, 3], align_corners=False, interpolate_mode='bilinear',
        act_cfg=dict(type='ReLU'), channels=256, norm_cfg=dict(type='SyncBN', requires_grad=True),
        loss_decode=dict(type='CrossEntropyLoss', weights=(1, 2))),
    auxiliary_head=dict(type='FCNHead', in_index=2))
optimizer = dict(type='AdamW', eps=1e-08, paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.)}))
"""


def write(path: Path, text: str) -> Path:
    torch.save({"meta": {"cfg": text}, "state_dict": nvlabs_state(network(), path.parent)}, path)
    return path


@pytest.mark.parametrize(
    "text",
    [
        CONFIG,
        CONFIG.replace("SegformerHead", "SegFormerHead"),
        CONFIG.replace("SegformerHead", "mmseg.SegformerHead"),
        '{"model": {"decode_head": {"type": "SegformerHead", "loss_decode": {"type": "X"}, "in_index": [0, 1, 2, 3]}}}',
        "norm_cfg = dict(eps=EPS)",
    ],
)
def test_a_configuration_of_this_network_is_read(text: str, tmp_path: Path) -> None:
    load_checkpoint(write(tmp_path / "b0.pth", text))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("'SegformerHead'", "'UPerHead'", "has decode_head UPerHead, which .*; it has SegformerHead"),
        ("'SegformerHead'", "'my.FancySegformerHead'", "has decode_head FancySegformerHead, which"),
        ("'bilinear'", "'nearest'", "has decode_head.interpolate_mode nearest, which .*; it has bilinear"),
        ("in_index=[0, 1, 2, 3]", "in_index=(3, 2, 1, 0)", r"has decode_head.in_index \[3, 2, 1, 0\], which"),
        ("type='ReLU'", "type='GELU'", "has decode_head.act_cfg GELU, which .*; it has ReLU"),
        ("type='GELU'", "type='ReLU'", "has backbone.act_cfg ReLU, which .*; it has GELU"),
        ("[1, 2, 5, 8]", "[2, 4, 10, 16]", r"has backbone.num_heads \[2, 4, 10, 16\], which .*; it has \[1, 2, 5, 8\]"),
        ("strides=(4, 2, 2, 2)", "strides=(2, 2, 2, 2)", r"has backbone.strides \[2, 2, 2, 2\], which"),
        ("eps=1e-06", "eps=0.001", "has norm_cfg.eps 0.001, which .*; it has 1e-06"),
        ("eps=1e-5", "eps=0.001", "has norm_cfg.eps 0.001, which .*; it has 1e-05"),
        ("align_corners=False", "align_corners=True", "was trained with align_corners=True"),
    ],
)
def test_an_option_that_no_shape_shows_is_compared(before: str, after: str, message: str, tmp_path: Path) -> None:
    assert before in CONFIG
    with pytest.raises(CheckpointError, match=rf"b0\.pth: .*{message}"):
        load_checkpoint(write(tmp_path / "b0.pth", CONFIG.replace(before, after)))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ('"interpolate_mode": "nearest"', "interpolate_mode nearest"),
        ('"align_corners": true', "was trained with align_corners=True"),
    ],
)
def test_options_in_json_are_compared(option: str, message: str, tmp_path: Path) -> None:
    text = '{"model": {"decode_head": {"type": "SegformerHead", ' + option + "}}}"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(write(tmp_path / "b0.pth", text))
