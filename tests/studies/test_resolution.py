"""Effects of the resolution, by the paper's Table 1c and plain arithmetic."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.store.plan import Comparison
from robustbench_seg.store.view import View
from robustbench_seg.studies.evidence import Evidence
from robustbench_seg.studies.resolution import Shift, published_extent, shifts_of
from robustbench_seg.studies.robustness import Miou
from robustbench_seg.studies.statistics import Draws

SLIDE = View(mode="slide", crop=256, stride=192)
MIOU = {"slide-256-192": 0.8, "whole": 0.7, "slide-256-192-x2": 0.6, "whole-x2": 0.4, "whole-x0.5": 0.9}
FOG = {"slide-256-192": 0.4, "whole": 0.2}


class Known(Evidence):
    """One model whose mIoU is given by view, under any corruption what FOG has."""

    draws: Mapping[str, Draws]

    def miou(self, title: str, view: View) -> Miou:
        return lambda corruption, _: self.draws[view.label] if corruption == "clean" else np.array([FOG[view.label]])


def shift_in(draws: Mapping[str, Draws], **conditions: list[int]) -> Shift | None:
    evidence = Known(pd.DataFrame({"title": "m", "view": list(draws)}), {})
    object.__setattr__(evidence, "draws", draws)
    return next(iter(shifts_of(evidence, evidence.views, conditions)), None)


def test_the_papers_extent_effect_is_3_3_points_with_an_encoding_and_0_7_without() -> None:
    table = published_extent().set_index("encoding")
    assert table["points"].to_dict() == pytest.approx({"learned_pe": 3.3, "mix_ffn": 0.7})
    assert table.loc["learned_pe", "share"] == pytest.approx(3.3 / 77.3)


def test_each_effect_is_a_loss_against_windows_of_the_training_crop_and_has_its_view() -> None:
    shift = shift_in({view: np.array([miou]) for view, miou in MIOU.items()})
    assert shift is not None
    assert (shift.slide, shift.scales) == (SLIDE, [0.5, 1, 2])
    lost = {"extent": 0.1, "scale x2": 0.2, "joint x0.5": -0.1, "joint x2": 0.4}
    assert {name: own[0] for name, own in shift.lost("m").items()} == pytest.approx(lost)
    shares = {f"{name} share": own / 0.8 for name, own in lost.items()}
    costs = {name: own[0] for name, own in shift.costs("m").items()}
    assert costs == pytest.approx({SLIDE: 0.8, **lost, **shares})


def test_effects_of_resamples_are_effects_of_each() -> None:
    rng = np.random.default_rng(0)
    draws = {view: rng.uniform(0.1, 0.9, 11) for view in MIOU}
    together = shift_in(draws)
    assert together is not None
    for k in range(11):
        alone = shift_in({view: own[[k]] for view, own in draws.items()})
        assert alone is not None
        assert {name: own[k] for name, own in together.lost("m").items()} == {
            name: own[0] for name, own in alone.lost("m").items()
        }


def test_under_corruption_the_loss_is_of_each_condition_and_its_share_grows() -> None:
    shift = shift_in({view: np.array([MIOU[view]]) for view in FOG}, fog=[1, 3])
    assert shift is not None
    costs = {place: own[0] for (effect, place), own in shift.costs_by_condition("m").items() if effect == "extent"}
    assert costs == pytest.approx({("clean", 0): 0.1, ("fog", 1): 0.2, ("fog", 3): 0.2})
    shares = {name: own[0] for name, own in shift.shares("m").items()}
    assert shares == pytest.approx({"clean": 0.125, "corrupted": 0.5, "growth": 0.375})


def test_effects_need_windows_at_scale_1_and_the_whole_image() -> None:
    for views in (["whole", "whole-x2"], ["slide-256-192-x2", "whole"], ["slide-256-192", "slide-256-192-x2"]):
        assert shift_in({view: np.array([MIOU[view]]) for view in views}) is None
    others = ["slide-256-192-flip", "whole", "slide-256-192-bn8-transductive", "slide-256-192-x1_2"]
    assert shift_in({view: np.array([0.5]) for view in others}) is None


def test_each_kind_of_whole_image_has_a_shift_against_the_same_windows_and_the_first_leads() -> None:
    names = ["slide-256-192", "pad-32-x2", "pad-32", "whole", "slide-256-192-x2", "whole-x2", "whole-bn8-transductive"]
    cells = pd.DataFrame({"title": "m", "view": names})
    named = Comparison(arms=("a", "b"), quantity="extent", view="whole")
    evidence = Evidence(cells, {}, primary=[Comparison(arms=("a", "b"), quantity="extent"), named])
    padded, squeezed = shifts_of(evidence, evidence.views, {})
    assert (padded.name, squeezed.name) == ("", "whole")
    windows = {"scale x2": "slide-256-192-x2"}
    assert {name: str(view) for name, view in padded.effects.items()} == {
        "extent": "pad-32",
        "joint x2": "pad-32-x2",
        **windows,
    }
    assert {name: str(view) for name, view in squeezed.effects.items()} == {"extent": "whole", "joint x2": "whole-x2"}
    assert padded.image == "the whole image, padded to multiples of 32"
    assert padded.evidence.primary == evidence.primary
    assert squeezed.evidence.primary == [named]  # one without a view is of the shift that leads
