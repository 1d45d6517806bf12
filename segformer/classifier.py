"""The encoder with ImageNet's classification head: what the paper pre-trains (Xie et al. 2021, Table 7)."""

from typing import Any

from torch import Tensor, nn

from .config import SegFormerConfig
from .encoder import MixTransformer
from .model import configure, make_seeded

__all__ = ["MixTransformerClassifier", "build_classifier"]


class MixTransformerClassifier(nn.Module):
    """Images (B, 3, H, W), normalised float, H and W >= 32 ─▶ logits (B, num_classes).

    The last stage's tokens are normalised, averaged and mapped to the classes. The configuration's decoder_width and
    dropout belong to the decoder and have no effect here.
    """

    def __init__(self, config: SegFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = MixTransformer(config)
        self.head = nn.Linear(config.widths[-1], config.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens: Tensor = self.encoder(images)[-1]  # (B, C, H / 32, W / 32)
        logits: Tensor = self.head(tokens.mean(dim=(2, 3)))
        return logits


def build_classifier(
    variant: str, *, num_classes: int = 1000, seed: int = 0, **changes: Any
) -> MixTransformerClassifier:
    """Make a classifier for ImageNet-1K or other classes with random weights. `build` does the same for a SegFormer.

    variant: a key of VARIANTS. changes: fields of SegFormerConfig. Raises ValueError as `build` does.
    """
    config = configure(variant, num_classes=num_classes, **changes)
    return make_seeded(lambda: MixTransformerClassifier(config), seed)
