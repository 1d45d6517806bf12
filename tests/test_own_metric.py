"""A metric of a user's own, from its one object to the report: an edit makes new cells, and no others."""

import hashlib
import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted import random_counts, write_cell
from small import stored, write_suite

from robustbench_seg import family
from robustbench_seg.errors import DamagedError, DataError, RobustBenchError, StoreError, UsageError
from robustbench_seg.measure.plan import Job, Options
from robustbench_seg.measure.runner import Listener, run
from robustbench_seg.metrics import METRICS, SHIPPED, Metric, metric
from robustbench_seg.metrics.entry import TAKEN
from robustbench_seg.metrics.trial import expect_value
from robustbench_seg.report.page import write_report
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.file import read_cell, read_record
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.counts import blocks_in, read_counts, unknown_metrics
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.sources import sources_of
from robustbench_seg.studies.worst import image_scores
from robustbench_seg.suites import read_suite

ACCURACY = """
import numpy as np

from robustbench_seg.metrics import metric


@metric(
    "accuracy",
    title="Pixel accuracy",
    columns={"accuracy_right": "classes", "accuracy_pixels": "integer"},
    value=lambda counts: counts["accuracy_right"].sum(axis=-1) / counts["accuracy_pixels"],
    higher=True,
)
def accuracy(prediction):
    right = prediction.label[prediction.valid & (prediction.classes == prediction.label)]
    counted = np.bincount(right, minlength=prediction.num_classes)
    return {"accuracy_right": counted, "accuracy_pixels": int(prediction.valid.sum())}
"""
ONE = {"models": [{"name": "constant"}], "views": ["whole"], "gallery": [], "conditions": {"contrast": [2]}}
WITH = {**ONE, "metrics": ["accuracy", "boundary"]}
SLUGS = ["constant-streets-clean-whole", "constant-streets-contrast-2-whole"]


@pytest.fixture(autouse=True)
def own_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    for name in ("members", "origins"):
        monkeypatch.setattr(METRICS, name, dict(getattr(METRICS, name)))


def register(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str = ACCURACY) -> None:
    """Write the file and import it, as the start of a new process would."""
    (folder / "own_accuracy.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "own_accuracy", raising=False)
    for known in (METRICS.members, METRICS.origins):
        known.pop("accuracy", None)
    importlib.import_module("own_accuracy")


class Told(Listener):
    def __init__(self) -> None:
        self.ran: list[str] = []
        self.errors: list[Exception] = []

    def finished(self, job: Job, error: Exception | None) -> None:
        self.ran.append(job.cell.slug)
        self.errors += [error] if error else []


def measure(folder: Path, out: Path, **changes: object) -> Told:
    told = Told()
    run(read_suite(str(write_suite(folder, **{**WITH, **changes}))), out, Options(), told)
    return told


def accuracies(out: Path) -> pd.Series:
    """From the columns of mIoU, with nothing of ours but the file."""
    rows = pd.read_parquet(out / "cells")
    sums = rows.groupby("key", observed=True)[["intersection", "labelled"]].agg(lambda lists: np.stack(lists).sum())
    return sums["intersection"] / sums["labelled"]


def test_one_object_goes_from_the_evaluation_to_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, monkeypatch)
    assert measure(tmp_path, tmp_path / "out").ran == SLUGS
    expected = accuracies(tmp_path / "out")
    frame = quality_frame(tmp_path / "out").set_index("key", drop=False)
    assert frame["accuracy"].to_dict() == pytest.approx(expected.to_dict(), abs=1e-15)
    assert 0.05 < expected.min() < 1
    scores = bootstrap(read_counts(frame, "accuracy"), resamples=9, seed=2)
    rows = pd.read_parquet(tmp_path / "out/cells")
    times = np.random.default_rng(2).multinomial(6, [1 / 6] * 6, size=9)
    for column, key in enumerate(frame["key"]):
        own = rows[rows["key"] == key]
        right, labelled = (np.stack(own[name]).sum(axis=1) for name in ("intersection", "labelled"))
        assert scores.draws[1:, column] == pytest.approx(times @ right / (times @ labelled), abs=1e-15)
    write_report(sections_of([tmp_path / "out"]), tmp_path / "report")
    page = (tmp_path / "report/report.md").read_text(encoding="utf-8")
    digits = next((tmp_path / "report").glob("*-metrics-*.csv")).read_text(encoding="utf-8")
    for value in frame["accuracy"]:
        assert str(value) in digits
        assert f"{100 * value:.1f}" in page[page.lower().index("pixel accuracy") :]


def test_the_example_of_the_documentation_is_pixel_accuracy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written there."""
    page = (Path(__file__).parents[1] / "docs/metrics.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    register(tmp_path, monkeypatch, example)
    assert measure(tmp_path, tmp_path / "out", conditions={}).ran == SLUGS[:1]
    frame = quality_frame(tmp_path / "out").set_index("key")
    assert frame["accuracy"].to_dict() == pytest.approx(accuracies(tmp_path / "out").to_dict(), abs=1e-15)


def test_an_edit_measures_the_cells_that_count_it_anew_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, monkeypatch)
    before = {name: measure(tmp_path, tmp_path / name, metrics=some).ran for name, some in PLAIN.items()}
    assert set(map(tuple, before.values())) == {tuple(SLUGS)}
    edited = ACCURACY.replace("prediction.valid.sum()", "prediction.label.size")
    for text, expected in ((ACCURACY, []), (edited, SLUGS), (edited + "# a remark\n", SLUGS), (ACCURACY, [])):
        register(tmp_path, monkeypatch, text)
        assert measure(tmp_path, tmp_path / "with", metrics=PLAIN["with"]).ran == expected
        assert measure(tmp_path, tmp_path / "without", metrics=PLAIN["without"]).ran == []
        (source,) = sources_of([tmp_path / "with"], None, pictures=False)
        shown = source.quality.set_index("key")["accuracy"]
        assert len(source.plan.cells) == len(shown) == 2, "those of the source that was run last"
        ratio = 1 if text == ACCURACY else shown / accuracies(tmp_path / "with")[shown.index]
        assert (shown == accuracies(tmp_path / "with")[shown.index]).all() if text == ACCURACY else (ratio < 1).all()
    assert len(stored(tmp_path / "with")) == 6
    version = ACCURACY.replace("higher=True,", 'higher=True, version="2",')
    register(tmp_path, monkeypatch, version)
    assert measure(tmp_path, tmp_path / "with", metrics=PLAIN["with"]).ran == SLUGS


PLAIN = {"with": ["accuracy", "boundary"], "without": ["boundary"]}


def test_cells_without_it_are_the_same_bytes_as_before_it_was_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("before", "after"):
        measure(tmp_path, tmp_path / name, metrics=["boundary"])
        found.append({path.name: read_cell(path).hashes for path in (tmp_path / name / "cells").iterdir()})
        register(tmp_path, monkeypatch)
    assert found[0] == found[1]
    for path in (tmp_path / "after/cells").iterdir():
        assert "own_metrics" not in json.loads(pq.read_schema(path).metadata[b"robustbench_seg"])


def test_the_source_is_in_the_record_and_in_the_key_and_the_columns_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is made by hand as JSON."""
    register(tmp_path, monkeypatch)
    measure(tmp_path, tmp_path / "out", conditions={})
    (path,) = (tmp_path / "out/cells").iterdir()
    table = pq.read_table(path)
    record = json.loads(table.schema.metadata[b"robustbench_seg"])
    source = METRICS["accuracy"].source
    assert record["own_metrics"] == {
        "accuracy": {"source": source, "columns": {"accuracy_right": 19, "accuracy_pixels": None}}
    }
    assert record["cell"]["metrics"] == ["boundary", "accuracy"], "ours first"
    decides = [record[name] for name in ("cell", "engine_version", "checkpoint_sha256", "fingerprint")]
    key = ["quality", 2, *decides, table["image_id"].to_pylist(), {"accuracy": source}]
    text = json.dumps(key, sort_keys=True, separators=(",", ":")).encode()
    assert record["key"] == hashlib.blake2b(text, digest_size=16).hexdigest()
    assert table.column_names[-3:] == ["negative_log_likelihood", "accuracy_pixels", "accuracy_right"]
    assert table["negative_log_likelihood"].null_count == len(table)


def test_where_its_code_is_not_the_rest_is_read_and_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, monkeypatch)
    measure(tmp_path, tmp_path / "out")
    known = quality_frame(tmp_path / "out")
    assert unknown_metrics(known) == []
    for text in ("", ACCURACY + "# edited\n"):
        register(tmp_path, monkeypatch, text)
        frame = quality_frame(tmp_path / "out")
        assert frame["accuracy"].isna().all()
        assert frame["miou"].equals(known["miou"])
        (sentence,) = unknown_metrics(frame)
        assert "the metric accuracy from code that is unknown here or was edited since; no value is shown" in sentence
        write_report(sections_of([tmp_path / "out"]), tmp_path / "report")
        page = (tmp_path / "report/report.md").read_text(encoding="utf-8")
        assert sentence in page
        assert "Pixel accuracy" not in page
    measure(tmp_path, tmp_path / "new")
    with pytest.raises(StoreError, match="was measured with another source of the metric accuracy; measure it again"):
        read_counts(pd.concat([quality_frame(tmp_path / "new"), known]), "accuracy")


def test_an_image_has_no_score_from_counts_of_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit doubles a count and the value, so that counts from before it would give twice the accuracy."""
    network = {"name": "b0", "model": "segformer-b0", "weights": "random"}
    twice = ACCURACY.replace("int(prediction.valid.sum())", "2 * int(prediction.valid.sum())")
    twice = twice.replace('/ counts["accuracy_pixels"]', '/ counts["accuracy_pixels"] * 2')
    for name, text, model in (("before", ACCURACY, {"name": "constant"}), ("after", twice, network)):
        register(tmp_path, monkeypatch, text)
        measure(tmp_path, tmp_path / name, models=[model])
    cells = pd.concat([quality_frame(tmp_path / name) for name in ("before", "after")])
    cells = cells.assign(title=cells["model"])
    conditions = {"contrast": (2,)}
    assert image_scores(cells, blocks_in(cells), conditions, METRICS["accuracy"]) is None
    own = cells[cells["model"] == "b0"]
    scores = image_scores(own, blocks_in(own), conditions, METRICS["accuracy"])
    assert scores is not None
    counts = own[own["corruption"] == "clean"].iloc[0]["counts"]
    by_hand = counts["intersection"].sum(axis=1) / counts["labelled"].sum(axis=1)
    assert scores.scores["b0"]["clean", 0] == pytest.approx(by_hand)


def test_a_column_of_its_own_is_checked_as_ours_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, monkeypatch)
    measure(tmp_path, tmp_path / "out", conditions={})
    METRICS.pop("accuracy")
    (path,) = (tmp_path / "out/cells").iterdir()
    table = pq.read_table(path)
    place = table.column_names.index("accuracy_pixels")
    pixels = table["accuracy_pixels"].to_pylist()
    for values, message in (
        ([pixels[0] + 1, *pixels[1:]], "was changed after it was written"),
        ([None, *pixels[1:]], "its column accuracy_pixels must have a value in each row"),
        ([2**62, *pixels[1:]], "accuracy_pixels is too large to sum"),
    ):
        pq.write_table(table.set_column(place, "accuracy_pixels", pa.array(values, pa.int64())), path)
        with pytest.raises(DamagedError, match=message):
            read_record(path)
    pq.write_table(table.drop_columns(["accuracy_pixels"]), path)
    with pytest.raises(DamagedError, match="has no column accuracy_pixels"):
        read_record(path)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            "return {'accuracy_right': counted}",
            "counted accuracy_right; it must return accuracy_right, accuracy_pixels",
        ),
        ("return None", "counted NoneType; it must return accuracy_right, accuracy_pixels"),
        (
            "return {'accuracy_right': counted[:5], 'accuracy_pixels': 1}",
            r"counted int64 \(5,\) as accuracy_right; it must be 19 integers",
        ),
        (
            "return {'accuracy_right': counted, 'accuracy_pixels': 0.5}",
            r"counted float64 \(\) as accuracy_pixels; it must be an integer",
        ),
        ("prediction.label[0] = 0", "assignment destination is read-only"),
    ],
)
def test_what_is_no_count_fails_the_cell_in_one_line(
    line: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, monkeypatch, ACCURACY.replace("    return {", f"    {line}\n    return {{"))
    (error,) = measure(tmp_path, tmp_path / "out", conditions={}).errors
    assert isinstance(error, DataError)
    with pytest.raises(DataError, match=f"^streets_000000_2000000: (metric accuracy )?{fault}$"):
        raise error


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ('counts["accuracy_right"].sum() / counts["accuracy_pixels"].sum()', r"has the shape \(\); it must keep"),
        ('counts["right"]', "its value raises KeyError: 'right'"),
        (
            'np.full_like(counts["accuracy_pixels"], (counts["accuracy_right"].sum(axis=-1) / '
            'counts["accuracy_pixels"]).mean(), dtype=float)',
            "depends on other cells",
        ),
        ('counts["accuracy_right"].sum(axis=-1) / counts["accuracy_pixels"].sum()', "depends on other cells"),
        ('np.bitwise_and(1, counts["accuracy_pixels"])', "its value raises TypeError"),
    ],
)
def test_a_value_that_sums_do_not_have_is_refused_before_the_first_cell(
    value: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ACCURACY.replace('counts["accuracy_right"].sum(axis=-1) / counts["accuracy_pixels"]', value)
    register(tmp_path, monkeypatch, text)
    with pytest.raises(UsageError, match=fault):
        measure(tmp_path, tmp_path / "out")
    assert not stored(tmp_path / "out")


def precision(sums: dict[str, np.ndarray]) -> np.ndarray:
    if (sums["intersection"] > sums["predicted"]).any() or (sums["intersection"] > sums["labelled"]).any():
        raise ValueError("more hits than pixels")
    return np.asarray(sums["intersection"].sum(axis=-1) / sums["predicted"].sum(axis=-1))


def strict_root(sums: dict[str, np.ndarray]) -> np.ndarray:
    with np.errstate(all="raise"):
        return np.asarray(np.sqrt(sums["big"] - sums["small"]))


def own(value: object, **fields: object) -> Metric:
    fixed = {"name": "own", "title": "Own", "count": lambda prediction: {}, "value": value, "higher": True}
    return Metric(**{**fixed, "version": "1", **fields})  # type: ignore[arg-type]


def test_a_trial_draws_no_class_counts_that_an_image_can_not_have() -> None:
    expect_value(own(precision, columns={"own_pixels": "integer"}, also=("intersection", "predicted", "labelled")), 5)


@pytest.mark.parametrize("in_terms", [False, True])
def test_a_value_that_fails_on_columns_that_contradict_each_other_is_tried_on_equal_ones(in_terms: bool) -> None:
    def checked(sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if in_terms and (sums["small"] > sums["big"]).any():
            raise ValueError("small is more than big")
        return sums

    expect_value(own(strict_root, columns={"big": "integer", "small": "integer"}, terms=checked), 5)


def test_a_value_that_fails_on_all_columns_is_refused_with_its_first_fault() -> None:
    def value(sums: dict[str, np.ndarray]) -> np.ndarray:
        raise ValueError(f"big is {sums['big'].flat[0]:g}")

    drawn = np.random.default_rng(0).integers(1, 1000, (2, 3))[0, 0]
    with pytest.raises(UsageError, match=f"^metric own: its value raises ValueError: big is {drawn}$"):
        expect_value(own(value, columns={"big": "integer"}), 5)


def test_equal_columns_are_no_way_around_a_value_that_depends_on_other_cells() -> None:
    columns = {"big": "integer", "small": "integer"}
    with pytest.raises(UsageError, match="depends on other cells"):
        expect_value(own(lambda sums: (sums["small"] / sums["big"]).mean() + 0 * sums["big"], columns=columns), 5)

    def strict(sums: dict[str, np.ndarray]) -> np.ndarray:
        return strict_root(sums) + sums["big"].sum()

    with pytest.raises(UsageError, match="depends on other cells"):
        expect_value(own(strict, columns=columns), 5)


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        (
            '{"right": counts["accuracy_right"].sum(axis=-1) / counts["accuracy_pixels"]}',
            r"'right' is float64 \(2, 3\)",
        ),
        ('{"right": counts["accuracy_right"].sum(axis=-1) * counts["accuracy_pixels"]}', "is no linear function"),
        ('{"right": counts["accuracy_right"].sum(axis=-1) + 1}', "is no linear function"),
        (
            '{"right": counts["accuracy_right"].sum(axis=-1) ** 2 // counts["accuracy_pixels"]}',
            "is no linear function",
        ),
        (
            '{"right": counts["accuracy_pixels"].sum(axis=-1)}',
            r"'right' is int64 \(2,\); it must be of integers and keep",
        ),
        ('{"right": counts["right"]}', "its terms raise KeyError: 'right'"),
    ],
)
def test_terms_that_can_not_be_summed_over_images_are_refused(
    terms: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = 'lambda counts: counts["right"] / 1000, terms=lambda counts: ' + terms
    old = 'lambda counts: counts["accuracy_right"].sum(axis=-1) / counts["accuracy_pixels"]'
    register(tmp_path, monkeypatch, ACCURACY.replace(old, value))
    with pytest.raises(UsageError, match=fault):
        measure(tmp_path, tmp_path / "out")


def test_an_array_that_is_filled_again_for_each_image_counts_as_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ACCURACY.replace("    return {", "    BUFFER[:] = counted\n    return {")
    text = text.replace('{"accuracy_right": counted', '{"accuracy_right": BUFFER')
    register(tmp_path, monkeypatch, text.replace("@metric", "BUFFER = np.zeros(19, np.int64)\n\n\n@metric"))
    measure(tmp_path, tmp_path / "out", conditions={})
    frame = quality_frame(tmp_path / "out").set_index("key", drop=False)
    assert frame["accuracy"].to_dict() == pytest.approx(accuracies(tmp_path / "out").to_dict(), abs=1e-15)


def test_other_columns_of_the_same_metric_are_refused_beside_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pandas.read_parquet` of a folder finds the same columns in every file."""
    register(tmp_path, monkeypatch)
    measure(tmp_path, tmp_path / "out", conditions={})
    register(tmp_path, monkeypatch, ACCURACY.replace("accuracy_pixels", "accuracy_labelled"))
    message = (
        "with other columns of the metric accuracy, new cells have accuracy_right, accuracy_labelled; give another"
    )
    with pytest.raises(StoreError, match=message):
        measure(tmp_path, tmp_path / "out", conditions={})


def test_what_its_author_says_must_hold_is_checked_before_a_cell_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "lambda arrays: [(arrays['accuracy_pixels'] >= 0, 'no pixel may be counted')]"
    register(tmp_path, monkeypatch, ACCURACY.replace("higher=True,", f"higher=True,\n    contradictions={rule},"))
    (error,) = measure(tmp_path, tmp_path / "out", conditions={}).errors
    assert "image 'streets_000000_2000000': no pixel may be counted" in str(error)
    assert not stored(tmp_path / "out")


def test_a_source_that_is_edited_while_python_runs_is_refused_before_the_first_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, monkeypatch)
    (tmp_path / "own_accuracy.py").write_text(ACCURACY + "# edited\n", encoding="utf-8")
    with pytest.raises(UsageError, match="metric accuracy: its source was edited while it was in use; start Python a"):
        measure(tmp_path, tmp_path / "out")
    assert not stored(tmp_path / "out")


def share(prediction: object) -> dict[str, int]:
    return {"share_hits": 1}


def fields(**changes: object) -> dict[str, object]:
    plain = {"name": "share", "title": "Share", "columns": {"share_hits": "integer"}, "count": share, "higher": True}
    return {**plain, "value": lambda counts: counts["share_hits"], **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(({"name": name}, f"the name '{name}' is taken") for name in ("miou", "boundary", "ece", "view", "counts")),
        *(({"columns": {name: "integer"}}, f"the name '{name}' is taken") for name in ("labelled", "key", "height")),
        *(({"name": name}, "have up to 64 letters, digits and underscores") for name in ("", "a b", "1a", "x" * 65)),
        ({"columns": {}}, "it needs a column that is stored"),
        ({"columns": {"share_hits": 0}}, "the size of column share_hits must be 'integer', 'classes' or 1 and more, g"),
        ({"columns": {"share_hits": True}}, "the size of column share_hits must be 'integer', 'classes' or 1 and more"),
        ({"also": ("boundary_labelled",)}, "also may have intersection, predicted, labelled, got 'boundary_labelled'"),
        ({"quantity": "other"}, "its column in frames is its name, got 'other'"),
        ({"version": 2}, "its version must be a text, got 2"),
        ({"count": lambda prediction: {}}, "<lambda> has no source file"),
    ],
)
def test_what_a_metric_must_not_have_is_refused(changes: dict[str, object], message: str) -> None:
    assert Metric(**fields()).name == "share"
    with pytest.raises(UsageError, match=message):
        Metric(**fields(**changes))


def test_every_column_of_files_and_of_the_frame_is_taken(tmp_path: Path) -> None:
    path = write_cell(tmp_path, random_counts(np.random.default_rng(0), 3, 4), list("abc"))
    assert {*pq.read_schema(path).names, *quality_frame(tmp_path).columns} <= TAKEN


def test_two_metrics_with_one_column_are_refused_and_so_is_one_that_nobody_has(tmp_path: Path) -> None:
    METRICS["share"] = Metric(**fields())
    with pytest.raises(UsageError, match="metric 'alias' is called 'share'; both names must be the same"):
        METRICS["alias"] = METRICS["share"]
    METRICS["other"] = Metric(**fields(name="other"))
    with pytest.raises(UsageError, match="metrics other and share both have a column share_hits; rename one of them"):
        measure(tmp_path, tmp_path / "out", metrics=["share", "other"])
    with pytest.raises(RobustBenchError, match=r"metrics: unknown metric 'sharing'; known: miou, boundary, .*, share"):
        measure(tmp_path, tmp_path / "out", metrics=["sharing"])


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    about = {name: value for name, value in fields().items() if name not in ("name", "count")}
    assert metric("share", **about)(share) is share
    assert METRICS["share"].count is share


def test_a_metric_of_another_package_is_one_of_the_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more_metrics.py").write_text(ACCURACY, encoding="utf-8")
    metadata = tmp_path / "more_metrics-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: more-metrics\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[robustbench_seg.metrics]\naccuracy = more_metrics:accuracy\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    family.offers_to.cache_clear()
    try:
        assert {*SHIPPED, "accuracy"} <= {*METRICS}
        assert measure(tmp_path, tmp_path / "plain", metrics=["boundary"]).ran == SLUGS
        assert "more_metrics" not in sys.modules, "it is not imported for cells that do not count it"
        assert measure(tmp_path, tmp_path / "out").ran == SLUGS
        frame = quality_frame(tmp_path / "out").set_index("key")
        assert frame["accuracy"].to_dict() == pytest.approx(accuracies(tmp_path / "out").to_dict(), abs=1e-15)
    finally:
        family.offers_to.cache_clear()
        sys.modules.pop("more_metrics", None)
