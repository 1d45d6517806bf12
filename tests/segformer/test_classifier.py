"""The encoder as a classifier against Transformers' SegformerForImageClassification."""

from pathlib import Path

import pytest
import torch
from test_against_transformers import make_reference
from transformers import SegformerForImageClassification
from transformers.utils import logging

from segformer import MixTransformerClassifier, build_classifier, load_checkpoint


@pytest.mark.parametrize("size", [(64, 96), (97, 131)], ids=str)
def test_logits_equal_transformers_classifier_within_1e_5(size: tuple[int, int], tmp_path: Path) -> None:
    logging.disable_progress_bar()
    segmenter = make_reference("b0")
    segmenter.save_pretrained(tmp_path)
    reference = SegformerForImageClassification(segmenter.config).eval()
    reference.segformer.load_state_dict(segmenter.segformer.state_dict())
    model = build_classifier("b0", num_classes=19, norm_eps=1e-5, embedding_norm_eps=1e-5).eval()
    model.encoder.load_state_dict(load_checkpoint(tmp_path).encoder.state_dict())
    model.head.load_state_dict(reference.classifier.state_dict())
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        got, expected = model(images), reference(images).logits
    assert got.shape == expected.shape == (2, 19)
    assert expected.std() > 0.01
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_its_keys_are_the_encoders_and_the_heads() -> None:
    keys = MixTransformerClassifier(build_classifier("b0").config).state_dict()
    assert {key.split(".")[0] for key in keys} == {"encoder", "head"}
    assert keys["head.weight"].shape == (1000, 256)


def test_weights_depend_only_on_the_seed() -> None:
    before = torch.random.get_rng_state()
    first, second, other = (build_classifier("b0", seed=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    assert first["head.weight"].std().item() == pytest.approx(0.02, rel=0.02)  # as all linear maps, 256,000 draws


def test_an_unknown_variant_or_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown variant 'b6'; known: b0"):
        build_classifier("b6")
    with pytest.raises(ValueError, match="unknown field 'colour'; known: widths"):
        build_classifier("b0", colour=1)
