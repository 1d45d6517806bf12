"""What a report says, on a store whose scores are known: intervals, arms, claims, alarms."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import PIL.Image
import pytest
from scipy.stats import ttest_ind
from synthetic import ENVIRONMENT, change_plan, write_synthetic
from tables import bold, by_row, hover, lines, readable, values
from tables import table_of as table

from robustbench_seg.charts import Plot, Rows, describe
from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.metrics import SHIPPED
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.report.content import Picture, Section
from robustbench_seg.report.csv import SCHEMA, csv
from robustbench_seg.report.parts.speed import speed_table
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.cell import LatencyCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.plan import Comparison, PlannedCell
from robustbench_seg.store.record import Record, latency_key
from robustbench_seg.store.view import View
from robustbench_seg.studies.arms import arm_of_table_1c
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.claims import paper_marks
from robustbench_seg.studies.counts import read_counts
from robustbench_seg.studies.frame import latency_frame, quality_frame
from robustbench_seg.studies.published import OwnRun, published_rows
from robustbench_seg.studies.robustness import headline
from robustbench_seg.studies.statistics import interval

pytestmark = pytest.mark.usefixtures("few_resamples")
TEST = (
    *("p", "p_holm", "low_runs", "high_runs", "p_runs", "comparison", "grade"),
    *("seed_pairs", "same_sign", "significant"),
)
ARMS = ["segformer-b0-mix-s0", "segformer-b0-mix-s1", "deeplabv3plus-s0", "deeplabv3plus-s1"]
CONDITIONS = {"gaussian_noise": [1, 3], "fog": [3]}
SLIDE = View(mode="slide", crop=256, stride=192)
LABELS = dict(zip(("miou", "boundary_miou", "ece", "nll"), (one.label for one in SHIPPED.values()), strict=True))


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    """SegFormer is worse on clean images and loses less."""
    loss = {"segformer": 0.04, "deeplabv3": 0.09}[model[:9]]
    return {"segformer": 0.8, "deeplabv3": 0.85}[model[:9]] - loss * severity - 0.01 * model.endswith("1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arms")
    write_synthetic(folder, accuracy, models=ARMS, conditions=CONDITIONS)
    return folder


@pytest.fixture(scope="module")
def section(folder: Path) -> Section:
    return sections_of([folder], reference="deeplabv3plus-s0")[0]


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Section:
    """Three views and a corruption, so that there is all to say of a shift of the resolution."""
    folder = tmp_path_factory.mktemp("shifted")
    views = [SLIDE, View(), View(scale=2)]
    write_synthetic(folder, accuracy, models=ARMS, conditions={"fog": [3]}, views=views, images=12)
    return sections_of([folder], pictures=False)[0]


def test_the_interval_of_a_headline_is_that_of_the_bootstrap(folder: Path, section: Section) -> None:
    cells = quality_frame(folder)
    scores = bootstrap(read_counts(cells))
    draws = headline(scores.under(model=ARMS[0], view="whole"), CONDITIONS)
    expected = interval(draws, scores.blocks)
    shown = table(section, "robustness-whole")
    row = lines(shown, "row", quantity="mean").loc[ARMS[0]]
    assert [row["value"], row["low"], row["high"]] == pytest.approx(
        [expected.estimate, expected.low, expected.high], abs=1e-12
    )
    low, high = 100 * expected.low, 100 * expected.high
    own = by_row(shown).index == ARMS[0]
    assert hover(shown).loc[own, "mean"].item() == f"95 % interval {low:.1f} to {high:.1f}"


def test_an_arm_is_the_mean_over_its_seeds_and_every_seed_is_shown(section: Section) -> None:
    full = values(table(section, "robustness-whole"))
    assert list(full.index) == [
        *("segformer-b0-mix (mean of 2)", "segformer-b0-mix-s0", "segformer-b0-mix-s1"),
        *("deeplabv3plus (mean of 2)", "deeplabv3plus-s0", "deeplabv3plus-s1"),
    ]
    for name in ("clean", "fog", "mean", "retention"):
        seeds = full.loc[["deeplabv3plus-s0", "deeplabv3plus-s1"], name]
        assert full.loc["deeplabv3plus (mean of 2)", name] == pytest.approx(seeds.mean(), abs=1e-12)


def test_the_best_arm_of_a_column_is_bold_and_no_seed_beside_its_mean(section: Section) -> None:
    shown = table(section, "robustness-whole")
    best = {column: list(by_row(shown).index[bold(shown)[column]]) for column in ("clean", "mean", "fog")}
    assert best == {
        "clean": ["deeplabv3plus (mean of 2)"],
        "mean": ["segformer-b0-mix (mean of 2)"],
        "fog": ["segformer-b0-mix (mean of 2)"],
    }
    assert not bold(shown)["retention"].any(), "who starts low has little to lose"


def test_a_difference_has_two_intervals_and_a_grade(section: Section) -> None:
    full = lines(table(section, "differences-whole"), "quantity")
    robust = values(table(section, "robustness-whole"))
    for name in ("clean", "mean", "retention"):
        arms = robust[name]
        expected = arms["segformer-b0-mix (mean of 2)"] - arms["deeplabv3plus (mean of 2)"]
        assert full.loc[name, "value"] == pytest.approx(expected, abs=1e-12)
        first, second = ([arms[model] for model in some] for some in (ARMS[:2], ARMS[2:]))
        student = ttest_ind(first, second).confidence_interval(0.95)
        low, wider = expected - full.loc[name, "low"], expected - full.loc[name, "low_runs"]
        assert wider**2 == pytest.approx(low**2 + (expected - student.low) ** 2)
        excluded = full.loc[name, "low_runs"] > 0 or full.loc[name, "high_runs"] < 0
        grade = "significant" if excluded else "in all runs so far"
        assert full.loc[name, ["seed_pairs", "grade", "comparison"]].tolist() == [4, grade, "exploratory"]
        assert not full.loc[name, "significant"], "no suite names it"
    assert full.loc["retention", "grade"] == "significant"
    shown = readable(table(section, "differences-whole")).set_index("in").loc["retention"]
    assert shown["points"].endswith("(*)")
    assert shown["grade"] == "significant (exploratory)"
    assert shown["runs"] == "all 4 pairs of runs agree in sign (by chance: 1/3)"
    assert "retention" in section.sentences[1]
    assert "that is significant in itself, but exploratory" in section.sentences[1]


def test_a_primary_comparison_has_a_star_after_holm_for_all_of_the_suite(folder: Path, tmp_path: Path) -> None:
    copied = copytree(folder, tmp_path / "store")
    pair = ("segformer-b0-mix", "deeplabv3plus")
    primary = tuple(Comparison(arms=pair, quantity=name) for name in ("clean", "retention"))
    change_plan(copied, primary=primary)
    section = sections_of([copied], pictures=False)[0]
    alone, full = (
        lines(table(one, "differences-whole"), "quantity")
        for one in (sections_of([folder], pictures=False)[0], section)
    )
    expected = np.minimum(2 * alone["p_runs"][["clean", "retention"]].sort_values() / [1, 2], 1).cummax()
    assert full["p_runs"][expected.index].tolist() == pytest.approx(expected.tolist())
    starred = {"clean": expected["clean"] <= 0.05, "mean": False, "retention": True}
    assert full["significant"][[*starred]].to_dict() == starred
    assert any(
        text.startswith("Primary comparisons: segformer-b0-mix minus deeplabv3plus, clean;") for text in section.limits
    )
    change_plan(copied, primary=(Comparison(arms=("segformer-b0-mix", "other"), quantity="clean"),))
    assert any(
        "names no primary comparison of these arms" in text for text in sections_of([copied], pictures=False)[0].limits
    )


def test_scores_and_differences_are_shown_by_drive(tmp_path: Path) -> None:
    ids = [f"0001TP_{30 * k:06d}" for k in range(100)] + [f"Seq05VD_f{30 * k:05d}" for k in range(100)]
    write_synthetic(tmp_path, accuracy, models=ARMS, conditions={"fog": [3]}, images=200, ids=ids, dataset="camvid")
    section = sections_of([tmp_path], pictures=False)[0]
    frame = quality_frame(tmp_path).set_index(["model", "corruption"])

    def by_hand(model: str, corruption: str, part: slice) -> float:
        counts = frame.loc[(model, corruption), "counts"]
        right, predicted, labelled = (
            counts[name][part].sum(axis=0) for name in ("intersection", "predicted", "labelled")
        )
        return float(np.mean(right / (predicted + labelled - right)))

    scores = lines(table(section, "groups-whole"), "row", "quantity", "group")["value"]
    for drive, part in (("0001TP", slice(0, 100)), ("Seq05VD", slice(100, 200))):
        clean, fog = ({model: by_hand(model, name, part) for model in ARMS} for name in ("clean", "fog"))
        assert scores[ARMS[0], "clean", drive] == pytest.approx(clean[ARMS[0]])
        assert scores[ARMS[3], "retention", drive] == pytest.approx(fog[ARMS[3]] / clean[ARMS[3]])
        found = lines(table(section, "differences-whole")).query("quantity == 'mean' and group == @drive")["value"]
        assert found.item() == pytest.approx((fog[ARMS[0]] + fog[ARMS[1]] - fog[ARMS[2]] - fog[ARMS[3]]) / 2)
    assert not bold(table(section, "groups-whole"))["retention 0001TP"].any()


def test_the_margin_decides_what_is_called_the_same(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *_: 0.6, models=["a", "b"], conditions={})
    grades = {
        margin: lines(table(sections_of([tmp_path], pictures=False, margin=margin)[0], "differences-whole"))[
            "grade"
        ].item()
        for margin in (None, 0.001, 50)
    }
    assert grades[0.001] == "not resolved"
    assert grades[50] == "the same within the margin"
    with pytest.raises(UsageError, match="margin must be above 0 and at most 100 points, got 0"):
        sections_of([tmp_path], margin=0)


@pytest.mark.parametrize("margin", [float("nan"), float("inf"), -1, 101, "1", True, [1]])
def test_a_margin_that_is_no_number_of_points_is_refused_before_anything_is_read(
    tmp_path: Path, margin: object
) -> None:
    with pytest.raises(UsageError, match="margin must be above 0 and at most 100 points, got "):
        sections_of([tmp_path / "nowhere"], margin=margin)


def test_equal_arms_are_not_told_apart(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *_: 0.6, models=ARMS, conditions=PROTOCOLS["segformer"])
    section = sections_of([tmp_path], pictures=False)[0]
    full = lines(table(section, "differences-whole"))
    assert (full["low"] < 0).all()
    assert (full["high"] > 0).all()
    assert not full["significant"].any()
    assert set(full["grade"].dropna()) <= {"not resolved", "the same within the margin"}
    assert re.search("not resolved, since|within 1 point for images and runs", section.sentences[1])
    assert "does not confirm" in section.sentences[2]


def test_cd_is_one_for_the_reference_and_less_for_what_errs_less(section: Section) -> None:
    shown = table(section, "cd-whole")
    cd, robust = values(shown), values(table(section, "robustness-whole"))
    assert cd.loc["deeplabv3plus-s0", "mean"] == pytest.approx(1)
    expected = (1 - robust.loc[ARMS[0], "fog"]) / (1 - robust.loc["deeplabv3plus-s0", "fog"])
    assert cd.loc[ARMS[0], "fog"] == pytest.approx(expected, abs=1e-12)
    assert cd.loc["segformer-b0-mix (mean of 2)", "fog"] == pytest.approx(cd.loc[ARMS[:2], "fog"].mean(), abs=1e-12)
    assert list(readable(shown).loc[bold(shown)["mean"], "model"]) == ["segformer-b0-mix"]


def test_an_unknown_reference_is_refused_with_the_models_there_are(folder: Path) -> None:
    with pytest.raises(UsageError, match="--reference swin: no such model; there are segformer-b0-mix-s0, "):
        sections_of([folder], reference="swin")


def test_a_reference_is_used_in_the_folders_that_have_it(folder: Path, tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:1], conditions={"fog": [3]}, suite="other")
    sections = sections_of([tmp_path, folder], reference="deeplabv3plus-s0", pictures=False)
    assert [any(shown.file == "cd-whole" for shown in section.tables) for section in sections] == [False, True]


def test_a_broken_plan_is_refused_in_one_line(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:1], conditions=CONDITIONS)
    plan = next((tmp_path / "plans").glob("*.json"))
    for content in ("{", "[]", "{}"):
        plan.write_text(content)
        with pytest.raises(StoreError, match=rf"{plan.name}: .*; remove it, and run its suite again"):
            sections_of([tmp_path])


def test_category_and_class_tables_agree_with_the_frame(folder: Path, section: Section) -> None:
    cells = quality_frame(folder)
    own = cells[cells["model"] == ARMS[0]].set_index(["corruption", "severity"])
    noise = (own.loc[("gaussian_noise", 1), "miou"] + own.loc[("gaussian_noise", 3), "miou"]) / 2
    assert values(table(section, "robustness-whole")).loc[ARMS[0], "noise"] == pytest.approx(noise)
    classes = lines(table(section, "classes-whole"), row="segformer-b0-mix", quantity="clean")
    seeds = cells[cells["model"].isin(ARMS[:2]) & (cells["corruption"] == "clean")]["iou"]
    assert classes["value"].tolist() == pytest.approx(list(np.mean(list(seeds), axis=0)))


def test_calibration_under_corruption_is_the_mean_over_severities(folder: Path, section: Section) -> None:
    own = quality_frame(folder).query(f"model == '{ARMS[0]}'").set_index(["corruption", "severity"])["ece"]
    shown = table(section, "metrics-whole")
    noise = (own["gaussian_noise", 1] + own["gaussian_noise", 3]) / 2
    mean = (noise + own["fog", 3]) / 2
    csv_values = lines(shown, "quantity", row=ARMS[0], metric="ece")["value"]
    assert csv_values["gaussian_noise"] == pytest.approx(noise)
    assert csv_values["mean"] == pytest.approx(mean)
    assert by_row(shown).loc[ARMS[0], "expected calibration error mean"] == f"{100 * mean:.1f}"


def test_boundaries_and_calibration_have_intervals_and_differences_of_the_bootstrap(
    folder: Path, section: Section
) -> None:
    cells = quality_frame(folder).sort_values(["model", "corruption", "severity"])
    differences = lines(table(section, "differences-reliability-whole"), "metric", "quantity")
    pair = f"{ARMS[0].removesuffix('-s0')} minus {ARMS[2].removesuffix('-s0')}"
    assert set(differences["row"]) == {pair}
    for metric in ("boundary_miou", "ece", "nll"):
        scores = bootstrap(read_counts(cells, metric))
        clean = {model: scores.of(model=model, corruption="clean") for model in ARMS}
        expected = interval(clean[ARMS[2]], scores.blocks)
        shown = table(section, "metrics-whole")
        own = lines(shown, "row", quantity="clean", metric=metric).loc[ARMS[2]]
        assert (own["value"], own["low"], own["high"]) == pytest.approx(tuple(vars(expected).values()), abs=1e-12)
        text = "{:.2f}" if metric == "nll" else "{:.1f}"
        low, high = (text.format((1 if metric == "nll" else 100) * end) for end in (expected.low, expected.high))
        row = list(by_row(shown).index).index(ARMS[2])
        assert hover(shown)[f"{LABELS[metric]} clean"][row] == f"95 % interval {low} to {high}"
        if metric != "nll":
            a, b = ((clean[one] + clean[other]) / 2 for one, other in (ARMS[:2], ARMS[2:]))
            other = interval(a - b, scores.blocks)
            found = differences.loc[metric, "clean"]
            assert tuple(found[["value", "low", "high"]]) == pytest.approx(tuple(vars(other).values()), abs=1e-12)
            means = [headline(scores.under(model=model, view="whole"), CONDITIONS) for model in ARMS]
            other = interval((means[0] + means[1] - means[2] - means[3]) / 2, scores.blocks)
            found = differences.loc[metric, "mean"]
            assert tuple(found[["value", "low", "high"]]) == pytest.approx(tuple(vars(other).values()), abs=1e-12)
            assert (found["grade"] in ("significant", "in all runs so far")) == other.excludes_zero


def test_a_protocol_with_a_published_table_has_it_apart_with_what_differs(tmp_path: Path) -> None:
    conditions = {name: list(severities) for name, severities in PROTOCOLS["semsegbench"].items()}
    models = [ARMS[0], ARMS[2]]
    write_synthetic(tmp_path, accuracy, models=models, conditions=conditions, protocol="semsegbench", images=4)
    section = sections_of([tmp_path], pictures=False)[0]
    published = table(section, "published-whole")
    ours = OwnRun(protocol="semsegbench", view="whole", dataset="toy", split="test", images=4, of=4)
    theirs = published_rows("semsegbench_all", ours).set_index("row")
    assert len(published.rows) == len(theirs) == 76
    differs = [f"dataset {name} val (ours toy test)" for name in theirs["dataset"]]
    setups = lines(published).drop_duplicates("row")["setup"]
    assert all(text in setup for text, setup in zip(differs, setups, strict=True))
    assert values(published)["fog"].to_dict() == pytest.approx((theirs["fog"] / 100).to_dict())
    assert "all images" not in published.caption
    assert "view not stated (ours whole)" in published.caption, "what all rows differ in is said once"
    for ours in (t for t in section.tables if t.file.startswith("robustness")):
        assert set(lines(ours)["row"]) == set(models), "published numbers share no table with ours"


def test_semsegbench_is_a_reference_under_any_protocol_and_its_faults_are_beside_its_rows(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:1], conditions=CONDITIONS, images=4)
    assert not [each for each in sections_of([tmp_path], pictures=False)[0].tables if "published" in each.file]
    section = sections_of([tmp_path], reference="semsegbench", pictures=False)[0]
    published = table(section, "published-whole")
    flagged = readable(published).set_index("published")["⚠"]
    assert len(flagged) == 76
    assert (flagged != "").sum() == 7
    assert flagged["deeplabv3plus, resnet18, cityscapes, 512x1024"].endswith("a broken run")
    assert "⚠: 7 rows of 76" in published.caption
    assert set(values(published)) >= {"clean", "mean", "retention", *PROTOCOLS["semsegbench"]}
    with pytest.raises(UsageError, match="no such model; there are segformer-b0-mix-s0, semsegbench"):
        sections_of([tmp_path], reference="other", pictures=False)


def test_protocols_whose_cells_are_all_there_are_compared_in_their_ranks(tmp_path: Path) -> None:
    conditions = {name: [1, 2, 3, 4, 5] for name in PROTOCOLS["michaelis"]}
    models = ["a", "b", "c"]

    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.9 - 0.1 * models.index(model) - 0.03 * severity

    write_synthetic(tmp_path, of, models=models, conditions=conditions, protocol="michaelis", images=4)
    section = sections_of([tmp_path], pictures=False)[0]
    ranks = values(table(section, "ranks-whole"))
    assert ranks["models"].to_dict() == {"michaelis and semsegbench": 3}
    assert ranks["tau"].item() == pytest.approx(1)
    assert {"mPC", "rPC"} <= set(readable(table(section, "robustness-whole")))


def test_a_model_that_gives_one_class_is_flagged_beside_its_number_and_in_a_sentence(tmp_path: Path) -> None:
    def fails_in_fog(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.01 if corruption == "fog" else 0.8

    write_synthetic(tmp_path, fails_in_fog, models=["m"], conditions=CONDITIONS)
    section = sections_of([tmp_path], pictures=False)[0]
    shown = table(section, "robustness-whole")
    assert readable(shown)["model"].tolist() == ["m ⚠"]
    assert "⚠ m: no better than one class for every pixel: fog-3." in shown.caption
    assert section.warnings == (
        "⚠ m, view whole: no better than one class for every pixel in 1 of 4 cells; such numbers deserve no trust.",
    )


def test_a_model_that_gives_one_class_is_never_the_best(tmp_path: Path) -> None:
    def keeps_nothing(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.01 if model == "blank" else 0.8 - 0.1 * severity

    write_synthetic(tmp_path, keeps_nothing, models=["blank", "good", "twin"], conditions=CONDITIONS)
    section = sections_of([tmp_path], reference="good", pictures=False)[0]
    retention = values(table(section, "robustness-whole"))["retention"]
    assert retention.idxmax() == "blank", "it keeps all of nothing"
    for shown in section.tables:
        if "model" in readable(shown):
            assert readable(shown)["model"].iloc[0] == "blank ⚠", shown.file
            assert not bold(shown).iloc[0].any(), shown.file
    assert bold(table(section, "rcd-whole")).any(axis=None)


def test_a_model_that_fails_under_one_corruption_alone_can_be_the_best_elsewhere(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.01 if (model, corruption) == ("foggy", "fog") else 0.8 - 0.1 * severity * (model == "other")

    write_synthetic(tmp_path, of, models=["foggy", "other"], conditions=CONDITIONS)
    section = sections_of([tmp_path], reference="other", pictures=False)[0]
    shown = table(section, "robustness-whole")
    assert readable(shown)["model"].tolist() == ["foggy ⚠", "other"]
    assert bold(shown)[["gaussian noise", "fog"]].to_numpy().tolist() == [[True, False], [False, True]]
    assert bold(table(section, "cd-whole"))["gaussian noise"][0]


def test_two_precisions_of_one_suite_have_files_of_their_own(tmp_path: Path) -> None:
    views = [SLIDE, View()]
    for precision in ("fp32", "bf16"):
        write_synthetic(
            tmp_path,
            accuracy,
            models=ARMS[::2],
            conditions=CONDITIONS,
            views=views,
            precision=precision,
            suite=precision,
        )
    plans = Store(tmp_path).plans()
    for path in (tmp_path / "plans").glob("*.json"):
        path.unlink()
    Store(tmp_path).write_plan(replace(plans[0], cells=plans[0].cells + plans[1].cells))
    section = sections_of([tmp_path])[0]
    for files in ([shown.file for shown in section.tables], [picture.file for picture in section.pictures]):
        assert len(set(files)) == len(files)
    assert {"views", "views-2", "resolution-differences", "resolution-differences-2"} <= {
        shown.file for shown in section.tables
    }


def test_a_model_whose_description_was_worded_anew_is_still_one(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=["segformer-b0"], conditions=CONDITIONS, skip={"*fog*"}, about="old")
    write_synthetic(
        tmp_path, accuracy, models=["segformer-b0"], conditions=CONDITIONS, skip={"*[!g]-[013]-*"}, about="new"
    )
    shown = table(sections_of([tmp_path], reference="segformer-b0", pictures=False)[0], "robustness-whole")
    assert values(shown)["missing"].tolist() == [0]
    assert set(quality_frame(tmp_path)["about"]) == {"old", "new"}


def test_seeds_of_the_same_weights_are_said_to_be_one(tmp_path: Path, section: Section) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:2], conditions=CONDITIONS, sha256="a" * 64)
    said = "segformer-b0-mix-s0 and segformer-b0-mix-s1 have the same weights"
    assert any(said in text for text in sections_of([tmp_path], pictures=False)[0].limits)
    assert not any("the same weights" in text for text in section.limits)


def test_scores_of_clean_images_stand_under_their_own_heading(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[::2], conditions={})
    section = sections_of([tmp_path])[0]
    assert "differences-whole" in {shown.file for shown in section.tables}
    groups = {part.group for part in (*section.tables, *section.pictures)}
    others = {"Answer", "Differences", "Boundary and calibration", "Classes", "Worst images"}
    assert groups == {"Clean images", *others}


def test_the_claim_of_table_5_is_judged_in_whatever_order_the_arms_come(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[::2], conditions=PROTOCOLS["segformer"])
    (plan,) = Store(tmp_path).plans()
    found = sections_of([tmp_path], pictures=False)[0].sentences
    change_plan(tmp_path, cells=plan.cells[::-1])
    (turned,) = sections_of([tmp_path], pictures=False)
    assert turned.models == (ARMS[2], ARMS[0])
    assert turned.sentences[1:] == found[1:]
    assert found[1].startswith("segformer-b0-mix minus deeplabv3plus: mean under corruption +")
    scores = quality_frame(tmp_path).groupby(["corruption", "model"])["miou"].mean().unstack()
    gain = 100 * (scores["segformer-b0-mix-s0"] - scores["deeplabv3plus-s0"])
    groups = {  # the four headings of the paper's Table 5, after Kamann & Rother 2020
        "noise": ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"],
        "blur": ["motion_blur", "defocus_blur", "glass_blur", "gaussian_blur"],
        "weather": ["snow", "spatter", "fog", "frost"],
        "digital": ["brightness", "contrast", "saturate", "jpeg_compression"],
    }
    said = ", ".join(f"{name} {gain[members].mean():+.1f} (for these weights)" for name, members in groups.items())
    assert f" By category, in points of mIoU: {said}." in found[1]
    assert found[2].endswith(
        "which this supports in direction (for these weights), which alone is comparable. "
        "SegFormer has more mIoU in 16 of 16 corruptions, there in 16."
    )


def test_other_conditions_and_an_arm_with_an_encoding_are_not_held_against_table_5(tmp_path: Path) -> None:
    for models, conditions in ((ARMS[::2], CONDITIONS), (["segformer-b0-learned", ARMS[2]], PROTOCOLS["segformer"])):
        write_synthetic(tmp_path / models[0], accuracy, models=models, conditions=conditions)
        found = sections_of([tmp_path / models[0]], pictures=False)[0].sentences
        assert "mean under corruption" in found[1]
        assert not any("Table 5" in sentence for sentence in found)


def test_seeds_of_an_arm_that_are_in_two_folders_are_one_section(tmp_path: Path, section: Section) -> None:
    for seed in (0, 1):
        write_synthetic(tmp_path / str(seed), accuracy, models=ARMS[seed::2], conditions=CONDITIONS)
    (both,) = sections_of([tmp_path / "0", tmp_path / "1"], reference="deeplabv3plus-s0")
    for file in ("robustness-whole", "differences-whole"):
        assert csv(table(both, file)) == csv(table(section, file))
    assert both.sentences == section.sentences
    assert both.planned == section.planned
    (twice,) = sections_of([tmp_path / "0", tmp_path / "0"])
    assert twice.planned == section.planned / 2
    assert list(twice.models) == ARMS[::2]


def test_the_table_of_severities_has_every_cell(folder: Path, section: Section) -> None:
    full = lines(table(section, "severities-whole"), "row", "corruption", "severity")["value"]
    for cell in quality_frame(folder).query("severity > 0").itertuples():
        assert full[cell.model, cell.corruption, cell.severity] == pytest.approx(cell.miou, abs=1e-12)


def test_a_missing_cell_takes_no_sentence_from_other_arms(tmp_path: Path) -> None:
    models = ["segformer-b0-mix", "segformer-b0-learned", "deeplabv3plus"]
    write_synthetic(
        tmp_path, accuracy, models=models, conditions={}, views=[SLIDE, View()], skip=["deeplabv3plus*-whole"]
    )
    found = sections_of([tmp_path], pictures=False)[0].sentences
    assert found[0].startswith("From windows of 256 pixels")
    assert "deeplabv3plus" not in found[0]
    assert "Cells of deeplabv3plus are missing, so there is no extent effect." in found
    assert any(sentence.startswith("segformer-b0-mix minus segformer-b0-learned: ") for sentence in found)


def test_a_view_in_which_a_model_fails_takes_no_bold_from_another(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.01 if (model, view.mode) == ("good", "slide") else 0.8 if model == "good" else 0.6

    write_synthetic(tmp_path, of, models=["good", "other"], conditions=CONDITIONS, views=[SLIDE, View()])
    shown = table(sections_of([tmp_path], pictures=False)[0], "robustness-whole")
    assert list(readable(shown).loc[bold(shown)["clean"], "model"]) == ["good"]
    assert "⚠" not in " ".join(readable(shown)["model"])
    metrics = table(sections_of([tmp_path], pictures=False)[0], "metrics-slide-256-192")
    assert "⚠ In some cell it is no better than naming one class for every pixel." in metrics.note


def test_arms_without_an_encoding_are_not_held_against_table_1c(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[::2], conditions={}, views=[SLIDE, View()])
    found = sections_of([tmp_path], pictures=False)[0].sentences
    names = ("segformer-b0-mix minus deeplabv3plus: ", "deeplabv3plus minus segformer-b0-mix: ")
    assert any(sentence.startswith(names) for sentence in found)
    assert not any("Table 1c" in sentence for sentence in found)


def test_controls_are_not_taken_for_the_arms_of_table_1c(tmp_path: Path) -> None:
    names = ("mix-learned", "learned", "plain", "mix", "other")
    write_synthetic(
        tmp_path, accuracy, models=[f"segformer-b0-{name}-s0" for name in names], conditions={}, views=[SLIDE, View()]
    )
    section = sections_of([tmp_path])[0]
    assert "segformer-b0-learned minus segformer-b0-mix: +" in section.sentences[1]
    assert "the paper's Table 1c has 3.3 points with a positional encoding" in section.sentences[1]
    assert [arm_of_table_1c(f"segformer-b0-{name}-s0") for name in names] == [None, "learned_pe", None, "mix_ffn", None]
    pairs = [("segformer-b0-mix", "segformer-b0-learned"), ("segformer-b0-mix", "segformer-b0-mix-learned")]
    assert paper_marks(pairs) == {pairs[0]: pytest.approx(-0.026)}
    (chart,) = (picture.chart for picture in section.pictures if picture.file == "resolution-effects")
    extent = chart.panels[0]
    assert isinstance(extent, Rows)
    published = {row.label: [dot.number.estimate for dot in row.dots[0] if dot.published] for row in extent.rows}
    assert {label: numbers for label, numbers in published.items() if numbers} == {
        "segformer-b0-mix minus\nsegformer-b0-learned": [pytest.approx(-2.6)]
    }


def test_seeds_that_disagree_confirm_nothing(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        gain = {"learned-s0": -0.4, "learned-s1": 0.1}.get(model[3:], 0.0)
        return 0.5 + gain * (view.mode == "whole")

    models = ["b0-learned-s0", "b0-learned-s1", "b0-mix-s0"]
    write_synthetic(tmp_path, of, models=models, conditions={}, views=[SLIDE, View()])
    sentence = sections_of([tmp_path], pictures=False)[0].sentences[1]
    assert "pairs of runs disagree in sign" in sentence
    assert not re.search("(matches|supports) in direction", sentence)


def test_the_published_extent_differs_only_in_what_it_does(tmp_path: Path) -> None:
    views = [View(mode="slide", crop=768, stride=576), View()]
    for dataset, split, differs in (("cityscapes", "val", False), ("cityscapes", "test", True)):
        folder = tmp_path / split
        write_synthetic(folder, accuracy, models=ARMS[:1], conditions={}, views=views, dataset=dataset, split=split)
        caption = table(sections_of([folder], pictures=False)[0], "resolution-published").caption
        assert ("Differs from ours in dataset cityscapes val (ours cityscapes test)." in caption) == differs
        assert ("Differs from ours" in caption) == differs


def test_numbers_of_two_views_share_no_column(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return (0.9 if view.mode == "slide" else 0.6) - 0.05 * severity

    write_synthetic(tmp_path, of, models=["m"], conditions=CONDITIONS, views=[SLIDE, View()])
    section = sections_of([tmp_path], pictures=False)[0]
    cells = quality_frame(tmp_path)
    by_view = {view: {f"{100 * x:.1f}" for x in part["miou"]} for view, part in cells.groupby("view")}
    assert not by_view["whole"] & by_view["slide-256-192"], "the numbers must tell the views apart"
    seen = dict.fromkeys(by_view, 0)
    for shown in section.tables:
        for column, shown_texts in readable(shown).items():
            texts = set(shown_texts)
            views = [view for view, numbers in by_view.items() if texts & numbers]
            assert len(views) < 2, f"{shown.file}, {column}"
            for view in views:
                seen[view] += 1
    assert all(seen.values())


def test_several_views_of_clean_images_share_the_tables_of_boundaries_and_calibration(tmp_path: Path) -> None:
    views = [View(scale=0.5), SLIDE, View(scale=2), View()]
    write_synthetic(tmp_path, accuracy, models=ARMS[::2], conditions={}, views=views)
    section = sections_of([tmp_path], pictures=False)[0]
    cells = quality_frame(tmp_path).set_index(["model", "view"])
    for metric, decimals, factor in (("boundary_miou", 1, 100), ("ece", 1, 100), ("nll", 2, 1)):
        shown = readable(table(section, "metrics")).set_index("model")
        for (model, view), number in cells[metric].items():
            assert shown.loc[model, f"{LABELS[metric]} {view}"] == f"{factor * number:.{decimals}f}"
    assert len(shown.columns) == 3 * len(views)
    in_detail = [shown.file for shown in section.tables if shown.file.startswith("classes-")]
    assert in_detail == ["classes-slide-256-192", "classes-whole"]


def test_numbers_of_two_protocols_share_no_table(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:1], conditions={"fog": [3]}, suite="a", protocol="a")
    write_synthetic(tmp_path, accuracy, models=ARMS[2:3], conditions={"fog": [1, 3]}, suite="b", protocol="b")
    sections = sections_of([tmp_path], pictures=False)
    assert [section.suite for section in sections] == ["b", "a"], "the last run first"
    for section, model in zip(sections, (ARMS[2], ARMS[0]), strict=True):
        shown = table(section, "robustness-whole")
        assert readable(shown)["model"].tolist() == [model]
        assert f"protocol {section.suite} (1 corruption" in shown.legend


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (lambda view: 0.10 * (view.mode == "whole"), "supports in direction, not in size (for these weights)"),
        (lambda view: 0.0, "neither confirms nor excludes|does not confirm"),
        (lambda view: -0.10 * (view.mode == "whole"), "contradicts in direction (for these weights)"),
    ],
)
def test_the_claim_of_table_1c_is_judged_by_the_interval(
    tmp_path: Path, own: Callable[[View], float], words: str
) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.8 - (own(view) if "learned" in model else 0)

    models = ["b0-learned-s0", "b0-mix-s0"]
    write_synthetic(tmp_path, of, models=models, conditions={}, views=[SLIDE, View()])
    section = sections_of([tmp_path], pictures=False)[0]
    miou = quality_frame(tmp_path).set_index(["model", "view"])["miou"]
    lost = {model: 100 * (miou[model, SLIDE.label] - miou[model, "whole"]) for model in models}
    less, more = sorted(models, key=lost.__getitem__)
    stated = f"{more[:-3]} minus {less[:-3]}: {lost[more] - lost[less]:+.1f} points of that loss"
    assert section.sentences[1].startswith(stated), "from the arm that loses more"
    assert any(word in section.sentences[1] for word in words.split("|"))
    assert "Table 1c has 3.3 points with a positional encoding and 0.7 with Mix-FFN" in section.sentences[1]
    assert len(section.sentences) <= 3


def test_effects_are_differences_of_the_frames_miou(tmp_path: Path) -> None:
    def of(model: str, corruption: str, severity: int, view: View) -> float:
        return (
            0.8 - 0.05 * (view.mode == "whole") - 0.1 * (view.scales[0] != 1) - 0.05 * severity * (view.mode == "whole")
        )

    views = [SLIDE, View(), View(scale=2)]
    write_synthetic(tmp_path, of, models=["m"], conditions={"fog": [3]}, views=views)
    section = sections_of([tmp_path])[0]
    miou = quality_frame(tmp_path).set_index(["view", "corruption"])["miou"]
    views = lines(table(section, "views"), "quantity", "view")["value"]
    for view in (SLIDE, View(), View(scale=2)):
        assert views["clean", str(view)] == pytest.approx(miou[str(view), "clean"], abs=1e-12)
        change = miou[str(view), "clean"] - miou[str(SLIDE), "clean"]
        assert views["change", str(view)] == pytest.approx(change, abs=1e-12)
    full = lines(table(section, "views"), "quantity")["value"]
    slide = miou["slide-256-192", "clean"]
    assert full["extent"] == pytest.approx(slide - miou["whole", "clean"], abs=1e-12)
    assert full["joint x2"] == pytest.approx(slide - miou["whole-x2", "clean"], abs=1e-12)
    assert full["extent share"] == pytest.approx(1 - miou["whole", "clean"] / slide, abs=1e-12)
    grown = lines(table(section, "resolution-under-corruption"), "quantity", "effect", "corruption")["value"]
    lost = miou["slide-256-192", "fog"] - miou["whole", "fog"]
    assert grown["lost", "extent", "fog"] == pytest.approx(lost, abs=1e-12)
    assert grown["growth", "extent", "fog"] == pytest.approx(lost - full["extent"], abs=1e-12)
    share = full["extent share"]
    under = lost / miou["slide-256-192", "fog"]
    assert (
        f"1 corruption: m {100 * share:.1f} and {100 * under:.1f}, a growth of {100 * (under - share):+.1f} points"
        in section.sentences[1]
    )
    files = {picture.file for picture in section.pictures}
    assert "resolution-extent" in files
    assert "resolution-effects" not in files, "a single model differs from none"


def write_speed(folder: Path, model: str, milliseconds: float, *, sha256: str = "", **environment: object) -> None:
    """Add a speed cell, to the plan too; torch and threads, of the machine, in its environment."""
    cell = LatencyCell(
        model=model, num_classes=19, height=1024, width=2048, batch=1, precision="fp32", device="cpu"
    )  # fmt: skip
    about = {**ENVIRONMENT, "machine": "A", "threads": 2, "packages": {"torch": "2.6"}, **environment}
    sha256 = sha256 or f"{sum(map(ord, model)):064x}"
    key = latency_key(cell, checkpoint_sha256=sha256, machine=json.dumps(about))
    record = Record(
        kind="latency", key=key, cell=cell, class_names=("a",) * 19, checkpoint_sha256=sha256, licence="",
        about="", parameters=7, environment=about, timings={}, machine=json.dumps(about),
    )  # fmt: skip
    Store(folder).write_latency({"latency_ms": [milliseconds] * 10, "classify_ms": [1.0] * 10}, record)
    plan = Store(folder).plans()[-1]
    cells = (*plan.cells, PlannedCell(kind="latency", slug=cell.slug, key=key))
    Store(folder).write_plan(replace(plan, cells=cells))


def points_of(picture: Picture) -> list[tuple[str, float, float]]:
    """The points of the only panel: names, x and y."""
    (panel,) = picture.chart.panels
    assert isinstance(panel, Plot)
    return [(curve.arm, x, number.estimate) for curve in panel.curves for x, number, _ in curve.drawn]


def test_speeds_of_several_machines_are_told_apart_and_drawn_of_one(tmp_path: Path) -> None:
    models = ["segformer-b0", "segformer-b1"]
    write_synthetic(tmp_path, lambda *_: 0.6, models=models, conditions={}, images=4)
    for k, model in enumerate(models):
        write_speed(tmp_path, model, 10 + k)
        write_speed(tmp_path, model, 20 + k, threads=4)
        write_speed(tmp_path, model, 30 + k, machine="B")
        write_speed(tmp_path, model, 40 + k, packages={"torch": "2.7"})
    section = sections_of([tmp_path])[0]
    speed = table(section, "speed")
    texts, medians = readable(speed), lines(speed, quantity="median_ms")
    shown = dict(zip(zip(texts["model"], texts["setup"], strict=True), medians["value"], strict=True))
    setups = (
        "A, 2 threads, torch 2.6",
        "A, 4 threads, torch 2.6",
        "B, 2 threads, torch 2.6",
        "A, 2 threads, torch 2.7",
    )
    assert shown == {(m, setup): 10 * (j + 1) + k for k, m in enumerate(models) for j, setup in enumerate(setups)}
    assert medians.groupby("setup")["row"].apply(list).tolist() == [models] * 4
    assert "19 classes" in speed.caption
    assert set(readable(table(section, "speed-published"))["setup"]) == set(setups)
    (picture,) = (picture for picture in section.pictures if picture.file == "tradeoff")
    assert {arm: ms for arm, ms, _ in points_of(picture)} == {"segformer-b0": 10, "segformer-b1": 11}
    assert "toy test, 4 of 4 images" in picture.caption
    assert "A, 2 threads, torch 2.6" in picture.caption


def test_the_caption_of_batches_states_that_multiply_accumulates_are_of_one_image(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *_: 0.6, models=["segformer-b0"], conditions={}, images=4)
    write_speed(tmp_path, "segformer-b0", 10)
    captions = [speed_table(latency_frame(tmp_path).assign(batch=batch)).caption for batch in (1, 4)]
    assert ["GMACs are of one image." in caption for caption in captions] == [False, True]


def test_speeds_of_one_setup_name_it_in_the_caption(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *_: 0.6, models=["m"], conditions={}, images=4)
    write_speed(tmp_path, "m", 10)
    speed = table(sections_of([tmp_path])[0], "speed")
    assert "setup" not in readable(speed)
    assert speed.caption.endswith(" A, 2 threads, torch 2.6, 19 classes.")


def test_models_of_one_name_or_of_one_checkpoint_are_apart_in_speed_too(tmp_path: Path) -> None:
    for name, sha256 in (("a", "1" * 64), ("a", "2" * 64), ("b", "2" * 64)):
        level = 0.5 + 0.1 * int(sha256[0])
        write_synthetic(tmp_path, lambda *_, level=level: level, models=[name], conditions={}, images=4, sha256=sha256)
    for k, (name, sha256) in enumerate((("a", "2" * 64), ("b", "2" * 64), ("a", "1" * 64))):
        write_speed(tmp_path, name, 10 + k, sha256=sha256)
    section = sections_of([tmp_path])[0]
    (picture,) = (picture for picture in section.pictures if picture.file == "tradeoff")
    speed = lines(table(section, "speed"), "row", "weights", quantity="median_ms")["value"]
    assert sorted(speed.index.get_level_values(0)) == ["a", "a (2)", "b"]
    miou = quality_frame(tmp_path).set_index(["model", "checkpoint_sha256"])["miou"]
    for (title, sha256), ms in speed.items():
        score = miou[title.removesuffix(" (2)"), str(sha256)[0] * 64]
        assert (title, ms, pytest.approx(100 * score)) in points_of(picture)


def test_a_gallery_is_of_one_setting_and_names_each_model_as_the_tables_do(tmp_path: Path) -> None:
    for precision, sha256, level in (("bf16", "1", 0.6), ("fp32", "1", 0.6), ("fp32", "2", 0.7)):
        write_synthetic(
            tmp_path, lambda *_, level=level: level, models=["m"], conditions={}, images=4, precision=precision,
            sha256=sha256 * 64,
        )  # fmt: skip
    change_plan(tmp_path, gallery=("x", "y"))
    for row in quality_frame(tmp_path).itertuples():
        place = Store(tmp_path).gallery(row.slug, row.key)
        place.mkdir(parents=True)
        for name in ("x-label", "x-prediction", "y-prediction"):
            PIL.Image.new("RGB", (4, 3)).save(place / f"{name}.png")
    section = sections_of([tmp_path], pictures=False)[0]
    shown = {one.model: one.prediction.parent.name for one in section.gallery}
    cells = quality_frame(tmp_path).query("precision == 'fp32'")
    assert set(shown) == {"m", "m (2)"}
    assert set(shown.values()) == {f"{row.slug}-{row.key}" for row in cells.itertuples()}
    assert [one.image_id for one in section.gallery] == ["x", "x"], "a picture without its label cannot be judged"


def test_a_single_image_gives_numbers_without_intervals(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[:3:2], conditions=CONDITIONS, images=1)
    section = sections_of([tmp_path])[0]
    shown = table(section, "robustness-whole")
    assert set(hover(shown)["mean"]) == {""}
    assert not [t for t in section.tables if t.file.startswith("differences")]
    assert any("There are no intervals" in text for text in section.limits)


def test_the_limits_are_the_suites_own_and_those_that_show_from_its_cells(section: Section, folder: Path) -> None:
    assert any("at 360x480, they are relatively stronger" in text for text in section.limits)
    assert any("over images and training runs; an arm has at most 2 runs" in text for text in section.limits)
    change_plan(folder, limits=("Trained from scratch.",))
    try:
        assert sections_of([folder], pictures=False)[0].limits == ("Trained from scratch.", *section.limits)
    finally:
        change_plan(folder, limits=())


def test_every_table_has_a_heading_and_every_figure_a_description(section: Section) -> None:
    assert all(shown.group for shown in (*section.tables, *section.pictures))
    for picture in section.pictures:
        assert all(re.search(r": [-+]?\d", describe(panel)) for panel in picture.chart.panels), picture.file
    for files in ([shown.file for shown in section.tables], [picture.file for picture in section.pictures]):
        assert len(set(files)) == len(files)


def test_every_number_that_people_see_is_in_the_csv_of_its_table_once(section: Section, shifted: Section) -> None:
    seen = 0
    for shown in (*section.tables, *shifted.tables):
        frame = lines(shown)
        assert list(frame.columns) == list(SCHEMA), shown.file
        names = [name for name in SCHEMA if name not in ("value", "low", "high", *TEST)]
        assert not frame.duplicated(names).any(), f"{shown.file}: two lines are of one number"
        numbers = set(frame[["value", "low", "low_runs", "p", "p_holm"]].to_numpy().flat)
        for row in shown.grid:
            for cell, _ in row:
                if cell.value is not None and not np.isnan(cell.value):
                    assert cell.value in numbers, f"{shown.file}: {cell.text}"
                    seen += 1
    assert seen > 500


def test_a_csv_says_what_its_numbers_were_made_with(section: Section) -> None:
    for shown in section.tables:
        if shown.file.startswith("published"):
            continue
        frame = lines(shown)
        assert set(frame["protocol"]) == {"drawn"}
        assert set(frame["dataset"] + " " + frame["split"]) == {"toy test"}
        assert set(frame["images"]) == set(frame["of"]) == {40}
        assert set(frame["view"]) == {"whole"}
    ours = lines(table(section, "robustness-whole"), "row", quantity="clean")
    sha256 = [f"{sum(map(ord, model)):064x}"[:12] for model in ARMS[:2]]
    assert ours.loc["segformer-b0-mix (mean of 2)", "models"] == " ".join(ARMS[:2])
    assert ours.loc["segformer-b0-mix (mean of 2)", "weights"] == " ".join(sha256)


def test_arms_are_compared_in_each_view(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=ARMS[::2], conditions={}, views=[SLIDE, View()])
    full = lines(table(sections_of([tmp_path], pictures=False)[0], "differences-views"), "view")
    miou = quality_frame(tmp_path).set_index(["view", "model"])["miou"]
    for view in (str(SLIDE), "whole"):
        assert full.loc[view, "value"] == pytest.approx(miou[view, ARMS[0]] - miou[view, ARMS[2]], abs=1e-12)
    assert set(full["row"]) == {"segformer-b0-mix minus deeplabv3plus"}


@pytest.mark.parametrize("apart", [False, True], ids=["one folder", "two folders"])
def test_runs_of_a_suite_with_other_views_are_one_section_and_the_last_runs_views_lead(
    tmp_path: Path, apart: bool
) -> None:
    folders = [tmp_path / "first", tmp_path / ("second" if apart else "first")]
    for folder, view in zip(folders, (View(), View(mode="pad-32")), strict=True):
        write_synthetic(folder, accuracy, models=ARMS[::2], conditions=CONDITIONS, views=[view], suite="s")
    (section,) = sections_of(list(dict.fromkeys(folders)))
    assert section.views == ("pad-32", "whole")
    assert not section.missing
    by_view = next(shown for shown in section.tables if shown.file == "views")
    assert [column.label for column in by_view.heads[-2:]] == ["pad-32", "whole"]
    assert "view pad-32" in section.sentences[0]
