"""The configuration of a SegFormer, and the six published variants.

Source: Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS
2021, Table 6, corrected by the shapes of the released weights: the expansion is 4 in every stage (the table prints
8/8/4/4 for B0-B4), B2 has depths 3/4/6/3 and B3 3/4/18/3.
"""

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["VARIANTS", "SegFormerConfig"]

FFN = ("mix", "plain")
POSITIONAL_ENCODINGS = (None, "learned")
DECODERS = ("mlp", "mmseg")
PerStage = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class SegFormerConfig:
    """The complete description of one network.

    widths: channels C_i of the four stages.
    depths: blocks of each stage.
    heads: attention heads of each stage; each divides its width.
    reductions: stride of the convolution that shortens the keys and values. The paper's R (Eq. 2) is its square.
    expansions: hidden width of the feed-forward network divided by its input width.
    ffn: "mix" has the 3x3 depth-wise convolution (Eq. 3), "plain" has none.
    positional_encoding: None, or "learned": one map per stage for `train_size`, resized for any other image size.
    train_size: (height, width) in pixels; required with a learned encoding, not allowed without.
    decoder: "mlp" is the paper's (Eq. 4), "mmseg" the head of MMSegmentation's port, with its norm per stage.
    decoder_width: channels of the decoder.
    drop_path: highest rate of stochastic depth; it grows linearly from 0 over the blocks.
    dropout: rate before the classifier, a whole channel at a time.
    norm_eps: LayerNorm epsilon in blocks and at the end of stages.
    embedding_norm_eps: LayerNorm epsilon in patch merging and after the reduction of keys and values.
    """

    widths: PerStage
    depths: PerStage
    heads: PerStage = (1, 2, 5, 8)
    reductions: PerStage = (8, 4, 2, 1)
    expansions: PerStage = (4, 4, 4, 4)
    ffn: Literal["mix", "plain"] = "mix"
    positional_encoding: Literal["learned"] | None = None
    train_size: tuple[int, int] | None = None
    decoder: Literal["mlp", "mmseg"] = "mlp"
    decoder_width: int = 256
    num_classes: int = 19
    drop_path: float = 0.1
    dropout: float = 0.1
    norm_eps: float = 1e-6
    embedding_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("widths", "depths", "heads", "reductions", "expansions"):
            values = getattr(self, name)
            values = tuple(values) if isinstance(values, list | tuple) else values
            four = isinstance(values, tuple) and len(values) == 4
            if not four or not all(type(value) is int and value >= 1 for value in values):
                raise ValueError(f"{name} must be four integers >= 1, got {values}")
            object.__setattr__(self, name, values)
        for name, allowed in (
            ("ffn", FFN),
            ("positional_encoding", POSITIONAL_ENCODINGS),
            ("decoder", DECODERS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        for name in ("decoder_width", "num_classes"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {getattr(self, name)!r}")
        for name in ("drop_path", "dropout"):
            if not is_number(getattr(self, name)) or not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be a number in [0, 1), got {getattr(self, name)!r}")
        for name in ("norm_eps", "embedding_norm_eps"):
            if not is_number(getattr(self, name)) or not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a positive, finite number, got {getattr(self, name)!r}")
        self.check_heads()
        self.check_train_size()

    def check_heads(self) -> None:
        for width, heads in zip(self.widths, self.heads, strict=True):
            if width % heads:
                raise ValueError(f"each width must be a multiple of its heads, got {self.widths} and {self.heads}")

    def check_train_size(self) -> None:
        if (self.positional_encoding is None) != (self.train_size is None):
            raise ValueError(
                "train_size is required with a learned positional encoding and not allowed without, got "
                f"positional_encoding={self.positional_encoding!r} and train_size={self.train_size}"
            )
        if self.train_size is not None:
            size = tuple(self.train_size) if isinstance(self.train_size, list) else self.train_size
            sides = size if isinstance(size, tuple) else ()
            if len(sides) != 2 or not all(type(side) is int and side >= 32 for side in sides):
                raise ValueError(f"train_size must be (height, width), integers of at least 32, got {size}")
            object.__setattr__(self, "train_size", size)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


VARIANTS = {
    "b0": SegFormerConfig(widths=(32, 64, 160, 256), depths=(2, 2, 2, 2), decoder_width=256),
    "b1": SegFormerConfig(widths=(64, 128, 320, 512), depths=(2, 2, 2, 2), decoder_width=256),
    "b2": SegFormerConfig(widths=(64, 128, 320, 512), depths=(3, 4, 6, 3), decoder_width=768),
    "b3": SegFormerConfig(widths=(64, 128, 320, 512), depths=(3, 4, 18, 3), decoder_width=768),
    "b4": SegFormerConfig(widths=(64, 128, 320, 512), depths=(3, 8, 27, 3), decoder_width=768),
    "b5": SegFormerConfig(widths=(64, 128, 320, 512), depths=(3, 6, 40, 3), decoder_width=768),
}
