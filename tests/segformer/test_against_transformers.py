"""The network against an independent implementation: Transformers' SegformerForSemanticSegmentation."""

from pathlib import Path

import pytest
import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation
from transformers.utils import logging

from segformer import VARIANTS, load_checkpoint

SIZES = [(2, 64, 96), (1, 97, 131)]  # batch, height, width
LARGE = (1, 224, 320)  # of the smallest variant alone: more tokens, by the same code
NUM_CLASSES = 19


def make_reference(variant: str) -> SegformerForSemanticSegmentation:
    """Random weights in Transformers' own class, with every parameter and statistic away from its default."""
    ours = VARIANTS[variant]
    config = SegformerConfig(
        hidden_sizes=list(ours.widths),
        depths=list(ours.depths),
        decoder_hidden_size=ours.decoder_width,
        num_labels=NUM_CLASSES,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = SegformerForSemanticSegmentation(config)
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif name.endswith("norm.weight") or ("layer_norm" in name and name.endswith("weight")):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("bias", "running_mean")):
                tensor.uniform_(-0.2, 0.2)
    return model.eval()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_folder_saved_by_transformers_gives_its_logits_within_1e_4(variant: str, tmp_path: Path) -> None:
    logging.disable_progress_bar()
    reference = make_reference(variant)
    reference.save_pretrained(tmp_path)
    model = load_checkpoint(tmp_path)
    for batch, height, width in [*SIZES, *([LARGE] if variant == "b0" else [])]:
        images = torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height))
        with torch.inference_mode():
            expected, got = reference(images).logits, model(images)
        assert got.shape == expected.shape == (batch, NUM_CLASSES, -(-height // 4), -(-width // 4))
        assert expected.std() > 0.01
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
