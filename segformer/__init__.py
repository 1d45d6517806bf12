"""SegFormer (Xie et al., NeurIPS 2021), written from the paper; it knows nothing of benchmarks.

from segformer import build, load_checkpoint
model = build("b0", num_classes=19)
logits = model(images)              # (B, 3, H, W) normalised float ─▶ (B, 19, ceil(H / 4), ceil(W / 4))
"""

from .checkpoint import load_checkpoint, load_encoder, save_checkpoint
from .classifier import MixTransformerClassifier, build_classifier
from .config import VARIANTS, SegFormerConfig
from .encoder import MixTransformer
from .export import export_onnx
from .info import CheckpointError, CheckpointInfo
from .model import SegFormer, build

__all__ = [
    "VARIANTS",
    "CheckpointError",
    "CheckpointInfo",
    "MixTransformer",
    "MixTransformerClassifier",
    "SegFormer",
    "SegFormerConfig",
    "build",
    "build_classifier",
    "export_onnx",
    "load_checkpoint",
    "load_encoder",
    "save_checkpoint",
]
