"""When a report says that arms differ: never of too few blocks, nor of models that do no better than one class."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic import change_plan, write_synthetic
from tables import hover, lines, readable
from tables import table_of as table
from typer.testing import CliRunner

from robustbench_seg.cli import app
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.report.page import write_report
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.plan import Comparison
from robustbench_seg.store.view import View

SEGFORMER, DEEPLAB, LEARNED = "segformer-b0-mix-s0", "deeplabv3plus-s0", "segformer-b0-learned-s0"
SLIDE = View(mode="slide", crop=256, stride=192)
# What no report of too few blocks may say, in whatever form.
CLAIMS = re.compile(
    r"<0\.001|&lt;0\.001|\\textless|\(significant\)|significant \((one|all|both)|that is significant"
    r"|(matches|contradicts) in direction|neither confirms|that this disagrees|\d\*(?!\*)|95 % interval [+\-\d]"
)


def far_apart(model: str, corruption: str, severity: int, view: View) -> float:
    """SegFormer is better by far; the learned encoding loses by the whole image, all the more under corruption."""
    extent = (0.2 + 0.05 * severity) * (view.mode == "whole") if "learned" in model else 0
    return {"s": 0.9, "d": 0.5}[model[0]] - 0.02 * severity - extent


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 9 images, with all that a report can say of differences."""
    folder = tmp_path_factory.mktemp("few")
    write_synthetic(
        folder,
        far_apart,
        models=[SEGFORMER, LEARNED, DEEPLAB],
        conditions={"gaussian_noise": [1, 3], "fog": [3]},
        views=[SLIDE, View()],
        images=9,
    )
    return folder


def test_of_too_few_images_nothing_is_significant_and_every_format_says_why(few: Path, tmp_path: Path) -> None:
    words = "9 blocks of images are too few (it takes 10)"
    section = sections_of([few])[0]
    write_report([section], tmp_path)
    for path in tmp_path.iterdir():
        if path.suffix in {".html", ".md", ".tex", ".csv"}:
            text = path.read_text(encoding="utf-8")
            text = text[text.find("</style>") + 1 :].split("<script>")[0]
            assert not CLAIMS.search(text), f"{path.name}: {CLAIMS.search(text)}"
    assert f"no difference is significant, since {words}." in " ".join(section.limits)
    for page in ("index.html", "report.md"):
        assert words in (tmp_path / page).read_text(encoding="utf-8")
    compared = [shown for shown in section.tables if "differences" in shown.file]
    assert len(compared) >= 7
    for shown in [*compared, table(section, "resolution-under-corruption")]:
        assert f"nothing is significant, since {words}" in shown.caption
        assert "excludes zero" not in shown.caption
    for shown in compared:
        assert lines(shown)["value"].notna().all()
        assert (
            lines(shown)[["low", "high", "low_runs", "high_runs", "p", "p_holm", "grade", "significant"]]
            .isna()
            .all(axis=None)
        )
        texts = readable(shown)
        if "p" in texts:
            assert set(texts[["95 % images + runs", "p", "p (Holm)", "grade"]].to_numpy().flat) == {"–"}
            assert set(texts["runs"]) == {words}
        else:
            assert set(hover(shown).iloc[:, 1:].to_numpy().flat) == {words}
    drawn = [picture for picture in section.pictures if re.search("arms|differences|effects|scales", picture.file)]
    assert drawn
    for picture in drawn:
        assert f"without intervals, since {words}" in picture.caption
    for picture in section.pictures:
        assert "95 % intervals" not in picture.caption


def test_of_too_few_images_the_first_sentences_judge_no_claim_of_the_paper(tmp_path: Path) -> None:
    words = "2 blocks of images are too few (it takes 10)"
    for folder, conditions, views in (("5", PROTOCOLS["segformer"], [View()]), ("1c", {}, [SLIDE, View()])):
        models = [SEGFORMER, DEEPLAB] if conditions else [SEGFORMER, LEARNED]
        write_synthetic(tmp_path / folder, far_apart, models=models, conditions=conditions, views=views, images=2)
    (robust,), (shifted,) = (sections_of([tmp_path / folder], pictures=False) for folder in ("5", "1c"))
    assert f"a difference that is not known, since {words}." in robust.sentences[1]
    assert robust.sentences[2] == f"Whether this matches the paper's Table 5 cannot be judged, since {words}."
    assert f"a difference that is not known, since {words}; the paper's Table 1c has 3.3" in shifted.sentences[1]
    assert shifted.sentences[1].endswith("which this cannot judge.")
    assert not any(CLAIMS.search(sentence) for sentence in (*robust.sentences, *shifted.sentences))


def test_in_the_terminal_too_nothing_is_significant_of_too_few_images(few: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(few), "--text"], env={"COLUMNS": "250"})
    assert done.exit_code == 0
    assert not CLAIMS.search(done.output)
    assert "since 9 blocks of images are too few (it takes 10)" in " ".join(done.output.split())


def test_ten_images_that_all_agree_have_the_least_p_that_ten_allow(tmp_path: Path) -> None:
    write_synthetic(tmp_path, far_apart, models=[SEGFORMER, DEEPLAB], conditions={"fog": [3]}, images=10)
    section = sections_of([tmp_path], pictures=False)[0]
    full = lines(table(section, "differences-whole"), "quantity")
    assert full.loc["clean", "p"] == 2 / 2**10
    assert full.loc["clean", "p_holm"] == pytest.approx(4 * 2 / 2**10)
    assert readable(table(section, "differences-whole"))["p"][0] == "0.002"
    assert full.loc["mean", "grade"] == "for these weights"
    assert set(readable(table(section, "differences-whole"))["95 % images + runs"]) == {"one run"}
    assert "No p is below 0.002, the least that 10 blocks allow." in section.limits
    assert any("hold from" in text and "resamples of 10 images" in text for text in section.limits)


def test_what_is_not_drawn_and_what_counts_as_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import synthetic

    made = synthetic.image_counts

    def repeated(ids: list[str], shares: np.ndarray, right: np.ndarray) -> object:
        """The first image again as the second, and no label in the third."""
        shares, right = shares.copy(), right.copy()
        shares[1], right[1], shares[2] = shares[0], right[0], 0
        return made(ids, shares, right)

    monkeypatch.setattr(synthetic, "image_counts", repeated)
    write_synthetic(tmp_path, far_apart, models=[SEGFORMER, DEEPLAB], conditions={}, images=12)
    limits = sections_of([tmp_path], pictures=False)[0].limits
    assert (
        "1 of 12 images have the counts of another: each is taken to be that image once more, and drawn with it."
        in limits
    )
    assert "1 of 12 images have no labelled pixel, and are not drawn." in limits
    assert any("resamples of 10 images, paired" in text for text in limits)


def blank_by(least: float) -> Callable[[str, str, int, View], float]:
    """Two networks that get next to nothing right, the one a little more, and one that does."""
    return lambda model, corruption, severity, view: {"a": least, "b": 0.02, "c": 0.8}[model[0]] - 0.05 * severity


def test_two_models_that_do_no_better_than_one_class_do_not_differ_significantly(tmp_path: Path) -> None:
    write_synthetic(
        tmp_path, blank_by(0.06), models=["a", "b", "c"], conditions={"fog": [1], "snow": [1]},
    )  # fmt: skip
    section = sections_of([tmp_path], pictures=False)[0]
    said = "a and b do no better than one class for every pixel"
    shown = table(section, "differences-whole")
    full = lines(shown, "row", "quantity")
    assert full.loc[("a minus b", "clean"), "low"] > 0, "the numbers do differ"
    assert not full["significant"].any()
    assert readable(shown).set_index(["arms", "in"]).loc[("a minus b", "clean mIoU"), "runs"] == said
    for one in section.tables:
        if "arms" in readable(one):
            assert not readable(one).map(lambda text: text.endswith("*")).any(axis=None), one.file
    assert not any("is significant" in sentence for sentence in [*section.sentences, *section.warnings])
    assert any(f"not known, since {said}" in sentence for sentence in section.sentences)


def test_models_that_fail_under_corruption_alone_are_still_told_apart(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return (0.8 if model == "a" else 0.6) if corruption == "clean" else 0.01

    write_synthetic(tmp_path, of, models=["a", "b"], conditions={"fog": [3]})
    full = lines(table(sections_of([tmp_path], pictures=False)[0], "differences-whole"), "quantity")
    assert full.loc["clean", "grade"] == "for these weights"


def test_a_model_that_fails_in_one_view_is_told_apart_in_the_others(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.01 if (model, view.mode) == ("a", "slide") else 0.8 if model == "a" else 0.6

    write_synthetic(tmp_path, of, models=["a", "b"], conditions={}, views=[SLIDE, View()])
    section = sections_of([tmp_path], pictures=False)[0]
    by_view = lines(table(section, "differences-views"), "view")["grade"].dropna()
    assert by_view.to_dict() == {"whole": "for these weights"}
    extent = readable(table(section, "resolution-differences"))
    assert extent["runs"].tolist() == ["a does no better than one class for every pixel"]
    assert extent["grade"].tolist() == ["–"]


def test_a_caption_states_that_p_is_adjusted_without_those_of_other_tables(tmp_path: Path) -> None:
    models = [f"{arm}-s{seed}" for arm in ("segformer-b0-mix", "deeplabv3plus") for seed in (0, 1)]
    write_synthetic(tmp_path, far_apart, models=models, conditions={"gaussian_noise": [1], "fog": [3]}, images=20)
    arms = ("segformer-b0-mix", "deeplabv3plus")
    line = "1 of these in other tables are taken to have a larger p, so the p in the grade is Holm's or larger"
    for quantities, expected in ((["mean", "fog"], [True, True]), (["mean", "clean"], [False, False])):
        change_plan(tmp_path, primary=tuple(Comparison(arms=arms, quantity=name) for name in quantities))
        (section,) = sections_of([tmp_path], pictures=False)
        captions = [table(section, f"differences{more}-whole").caption for more in ("", "-by-corruption")]
        assert [line in caption for caption in captions] == expected
