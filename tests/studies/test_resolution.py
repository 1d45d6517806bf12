"""Effects of the resolution, by the paper's Table 1c and plain arithmetic."""

import numpy as np
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.studies.resolution import effects, published_extent

SLIDE = View(mode="slide", crop=256, stride=192)
MIOU = {"slide-256-192": 0.8, "whole": 0.7, "slide-256-192-x2": 0.6, "whole-x2": 0.4, "whole-x0.5": 0.9}


def test_the_papers_extent_effect_is_3_3_points_with_an_encoding_and_0_7_without() -> None:
    table = published_extent().set_index("encoding")
    assert table["points"].to_dict() == pytest.approx({"learned_pe": 3.3, "mix_ffn": 0.7})
    assert table.loc["learned_pe", "share"] == pytest.approx(3.3 / 77.3)


def test_each_effect_is_a_loss_against_windows_of_the_training_crop() -> None:
    results = effects(lambda view: MIOU.get(view, float("nan")), SLIDE, (0.5, 1, 2))
    effect_of = {(each.kind, each.scale): each for each in results}
    assert set(effect_of) == {("extent", 1), ("scale", 0.5), ("scale", 2), ("joint", 0.5), ("joint", 2)}
    assert effect_of["extent", 1].lost == pytest.approx(0.1)
    assert effect_of["scale", 2].lost == pytest.approx(0.2)
    assert effect_of["joint", 2].lost == pytest.approx(0.4)
    assert effect_of["joint", 0.5].lost == pytest.approx(-0.1)
    assert np.isnan(effect_of["scale", 0.5].lost)


def test_effects_of_resamples_are_effects_of_each() -> None:
    rng = np.random.default_rng(0)
    draws = {view: rng.uniform(0.1, 0.9, 11) for view in MIOU}
    together = effects(draws.__getitem__, SLIDE, (2,))
    for k in range(11):
        alone = effects(lambda view, k=k: draws[view][k], SLIDE, (2,))  # type: ignore[misc]
        for many, one in zip(together, alone, strict=True):
            assert many.lost[k] == one.lost


def test_effects_need_windows_at_scale_1() -> None:
    for view in (View(), View(mode="slide", crop=256, stride=192, scale=2)):
        with pytest.raises(UsageError, match="relative to windows of the training crop at scale 1"):
            effects(MIOU.__getitem__, view)
