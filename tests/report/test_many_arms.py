"""Reports on many models: sentences and captions count what they cannot list."""

from pathlib import Path

import pytest
from small import write_suite
from synthetic import change_plan, write_synthetic
from tables import lines, table_of

from robustbench_seg.charts import Rows
from robustbench_seg.report.content import Section
from robustbench_seg.report.latex import latex
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.plan import Plan
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.suites import expand, read_suite

pytestmark = pytest.mark.usefixtures("few_resamples")
MODELS = [f"network{k:02d}" for k in range(30)]


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    k = MODELS.index(model)
    return 0.4 + 0.01 * (7 * k % 30) - 0.05 * severity


def report(folder: Path, models: list[str], **fields: object) -> Section:
    write_synthetic(folder, accuracy, **{"models": models, "conditions": {"fog": [1]}, "images": 12, **fields})
    (section,) = sections_of([folder], pictures=False)
    return section


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    return report(tmp_path_factory.mktemp("many"), MODELS)


def named(text: str) -> set[str]:
    return {model for model in MODELS if model in text}


def test_the_first_sentence_counts_many_models_and_names_the_best_and_the_worst(section: Section) -> None:
    values = lines(table_of(section, "robustness-whole"), "row", quantity="mean")["value"]
    first = section.sentences[0]
    assert named(first) == {values.idxmax(), values.idxmin()}
    assert f"the best of 30 models, {values.idxmax()}, has {100 * values.max():.1f} % mIoU" in first
    assert f"and the worst, {values.idxmin()}, has {100 * values.min():.1f} % mIoU" in first


def test_no_caption_lists_many_models_and_the_latex_file_lists_all_weights(section: Section, tmp_path: Path) -> None:
    assert all(len(named(table.legend)) <= 6 for table in section.tables)
    shown = table_of(section, "robustness-whole")
    assert 'weights (sha256) of 30 models, see "Where the numbers come from"' in shown.legend
    comments = [line for line in latex(shown, "x").splitlines() if line.startswith("%")]
    assert all(f"{model} {sum(map(ord, model)):064x}"[: len(model) + 13] in comments[2] for model in MODELS)


def test_clean_images_of_many_models_are_summarised_too(tmp_path: Path) -> None:
    section = report(tmp_path, MODELS, conditions={})
    clean = quality_frame(tmp_path).set_index("model")["miou"]
    assert named(section.sentences[0]) == {clean.idxmax(), clean.idxmin()}


def test_six_models_are_listed(tmp_path: Path) -> None:
    section = report(tmp_path, MODELS[:6])
    assert named(section.sentences[0]) == set(MODELS[:6])
    assert named(table_of(section, "robustness-whole").legend) == set(MODELS[:6])


def test_missing_cells_of_many_models_are_counted(tmp_path: Path) -> None:
    section = report(tmp_path, MODELS, skip=["network0*-fog-*"])
    (warning,) = [line for line in section.warnings if line.endswith("so there is no mean under corruption.")]
    assert named(warning) == set(MODELS[:6])
    assert "and 4 more" in warning


def test_the_figure_of_many_arms_has_a_panel_per_family_and_few_arms_have_one(tmp_path: Path) -> None:
    models = [f"{family}-{k}" for family in ("unet", "swin") for k in range(7)]
    write_synthetic(tmp_path / "many", lambda *_: 0.7, models=models, conditions={"fog": [1]}, images=12)
    (many,) = sections_of([tmp_path / "many"])
    (chart,) = [picture.chart for picture in many.pictures if picture.file == "arms-whole"]
    assert sorted(panel.family for panel in chart.panels if isinstance(panel, Rows)) == ["swin", "unet"]
    assert {row.family for row in table_of(many, "robustness-whole").rows} == {"swin", "unet"}
    change_plan(tmp_path / "many", families=tuple((model, "odd") for model in models if model[-1] in "135"))
    (stated,) = sections_of([tmp_path / "many"], pictures=False)
    families = {row.cells[0].text: row.family for row in table_of(stated, "robustness-whole").rows}
    assert {model for model, family in families.items() if family == "odd"} == {m for m in models if m[-1] in "135"}
    write_synthetic(tmp_path / "few", lambda *_: 0.7, models=models[2:9], conditions={"fog": [1]}, images=12)
    (few,) = sections_of([tmp_path / "few"], pictures=False)
    assert {row.family for row in table_of(few, "robustness-whole").rows} == {""}


def test_a_plan_keeps_stated_families_and_is_as_before_without_any(tmp_path: Path) -> None:
    own = {"name": "a", "model": "segformer-b0", "weights": "random", "family": "transformers"}
    models = [own, {"name": "constant"}]
    plans = [
        expand(read_suite(str(write_suite(tmp_path, models=some))), {one["name"]: "cpu" for one in some})
        for some in (models, models[1:])
    ]
    assert plans[0].families == (("a", "transformers"),)
    stated, without = (plan.with_keys(f"{k:032x}" for k in range(len(plan.cells))).to_dict() for plan in plans)
    assert Plan.from_dict(stated, "x").families == plans[0].families
    assert "families" not in without
