"""Tables against the paper's own figures and plain arithmetic."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.metrics import BOUNDARY, MIOU, OPTIONAL, ImageCounts, count_calibration, miou
from robustbench_seg.protocols import PROTOCOLS, conditions_of
from robustbench_seg.store.cell import QualityCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.record import Record, quality_key
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.robustness import BASIS, MODEL, MODEL_NOTES, by_corruption

PAPER = Path(__file__).parents[3] / "shared" / "paper"


def cells(scores: dict[tuple[str, int], float], **fields: object) -> pd.DataFrame:
    """A frame as `quality_frame` gives it, with these mIoU."""
    common = dict.fromkeys([*BASIS, *MODEL, *MODEL_NOTES], "x") | {
        "images": 3,
        "of": 9,
        "parameters": 1,
        "licence": "",
        "engine_version": 1,
    }
    rows = [
        {**common, "synthetic": False, "classes": 19, "flag": "", "corruption": c, "severity": s, "miou": v, **fields}
        for (c, s), v in scores.items()
    ]
    return pd.DataFrame(rows)


def test_protocols_have_the_published_sizes() -> None:
    published = {
        "segformer": (16, 72),
        "michaelis": (15, 75),
        "fan": (19, 57),
        "semsegbench": (15, 15),
        "level5": (16, 16),
        "clean": (0, 0),
    }
    for name, size in {**published, "clean": (0, 0)}.items():
        conditions = PROTOCOLS[name]
        assert (len(conditions), sum(map(len, conditions.values()))) == size, name
    assert PROTOCOLS["segformer"]["speckle_noise"] == (1, 2, 3)
    with pytest.raises(UsageError, match="unknown protocol 'all'; known: segformer, michaelis, fan"):
        conditions_of("all")


def test_the_segformer_protocol_has_the_columns_of_the_papers_table_5() -> None:
    if not PAPER.is_dir():
        pytest.skip(f"the published tables are not at {PAPER}")
    with (PAPER / "table5_cityscapes_c.csv").open() as file:
        header, *rows = list(csv.reader(file))
    assert list(PROTOCOLS["segformer"]) == header[2:]
    means = {row[0]: np.mean([float(value) for value in row[2:]]) for row in rows}
    for name, mean in means.items():
        row = next(row for row in rows if row[0] == name)
        scores = {("clean", 0): float(row[1]) / 100}
        for corruption, value in zip(header[2:], row[2:], strict=True):
            for severity in PROTOCOLS["segformer"][corruption]:
                scores[corruption, severity] = float(value) / 100
        table = by_corruption(cells(scores), PROTOCOLS["segformer"]).iloc[0]
        assert 100 * table["mean"] == pytest.approx(mean, abs=1e-9)
        assert table["retention"] == pytest.approx(mean / float(row[1]), abs=1e-12)
    assert round(means["SegFormer-B5"], 2) == 65.81


def test_a_corruptions_score_is_the_mean_over_its_severities_and_the_headline_the_plain_mean() -> None:
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6, ("fog", 2): 0.4, ("frost", 3): 0.1}
    row = by_corruption(cells(scores), {"fog": (1, 2), "frost": (3,)}).iloc[0]
    assert row["fog"] == pytest.approx(0.5)
    assert row["mean"] == pytest.approx(0.3)
    assert row["retention"] == pytest.approx(0.375)
    assert row["missing"] == 0


def test_a_missing_cell_is_counted_and_averaged_over_nowhere() -> None:
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6, ("frost", 3): 0.1}
    row = by_corruption(cells(scores), {"fog": (1, 2), "frost": (3,)}).iloc[0]
    assert np.isnan(row["fog"])
    assert np.isnan(row["mean"])
    assert np.isnan(row["retention"])
    assert row["frost"] == 0.1
    assert row["missing"] == 1


def test_views_and_numbers_of_images_never_share_a_row() -> None:
    parts = [cells({("clean", 0): 0.5}, view=view, images=images) for view in ("whole", "slide") for images in (3, 9)]
    table = by_corruption(pd.concat(parts), {})
    assert len(table) == 4


def test_flags_name_the_cells_that_deserve_no_trust() -> None:
    frame = cells({("clean", 0): 0.8, ("fog", 1): 0.02})
    frame.loc[1, "flag"] = "one class"
    assert by_corruption(frame, {"fog": (1,)}).iloc[0]["flags"] == "one class: fog-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one cell of two images and three classes; the last class never occurs."""
    cell = QualityCell(
        model="m", dataset="d", split="test", corruption="clean", severity=0, view=View(), precision="fp32", seed=0,
        metrics=OPTIONAL,
    )  # fmt: skip
    record = Record(
        kind="quality",
        key=quality_key(cell, engine_version=0, checkpoint_sha256="0" * 64, fingerprint="", ids=("x", "y")),
        cell=cell,
        class_names=("a", "b", "c"),
        checkpoint_sha256="0" * 64,
        licence="CC0-1.0",
        about="",
        parameters=7,
        environment={},
        timings={},
        images=2,
        of=4,
    )
    confidence = np.repeat(np.float32([0.25, 0.75]), 3)
    rows = [
        ImageCounts(
            image_id=name,
            height=2,
            width=3,
            counts={
                **dict(zip(MIOU.columns, map(np.array, counts), strict=True)),
                **dict(zip(BOUNDARY.columns, map(np.array, rims), strict=True)),
                **count_calibration(confidence, np.array(correct, bool)),
                "negative_log_likelihood": nats << 20,
            },
        )
        for name, counts, rims, correct, nats in (
            ("x", ([3, 1, 0], [4, 2, 0], [4, 2, 0]), ([1, 1, 0], [2, 1, 0], [2, 2, 0]), [1, 1, 0, 1, 1, 0], 5),
            ("y", ([5, 0, 0], [5, 1, 0], [6, 0, 0]), ([2, 0, 0], [3, 1, 0], [3, 0, 0]), [1, 1, 1, 1, 1, 0], 4),
        )
    ]
    Store(tmp_path).write_quality(rows, record)
    return tmp_path


def test_the_frame_sums_counts_over_images_before_it_divides(folder: Path) -> None:
    row = quality_frame(folder).iloc[0]
    # a: 8 of 10 + 9 - 8; b: 1 of 2 + 3 - 1; c occurs nowhere
    assert row["iou"][:2] == pytest.approx([8 / 11, 1 / 4])
    assert np.isnan(row["iou"][2])
    assert row["miou"] == pytest.approx((8 / 11 + 1 / 4) / 2)
    assert (row["classes"], row["images"], row["of"], row["flag"]) == (2, 2, 4, "")


def test_the_frame_has_boundary_and_calibration_of_summed_counts(folder: Path) -> None:
    row = quality_frame(folder).iloc[0]
    # rims of a: 3 of 5 + 5 - 3; of b: 1 of 2 + 2 - 1; of c: none
    assert row["boundary_miou"] == pytest.approx((3 / 7 + 1 / 3) / 2)
    # 6 pixels at 0.25, 5 of them right; 6 at 0.75, 4 of them right: gaps of 3.5 and of 0.5 pixels
    assert row["ece"] == pytest.approx(4 / 12)
    assert row["nll"] == pytest.approx((5 + 4) / 12)


def test_a_degenerate_model_is_flagged(folder: Path) -> None:
    from robustbench_seg.studies.frame import flag_of

    constant = dict(zip(MIOU.columns, map(np.array, ([90, 0], [100, 0], [90, 10])), strict=True))
    assert flag_of(constant) == "one class"
    poor = dict(zip(MIOU.columns, map(np.array, ([5, 5], [15, 85], [90, 10])), strict=True))
    assert miou(poor) < 0.45
    assert flag_of(poor) == "no better than one class for every pixel"
    assert quality_frame(folder)["flag"].tolist() == [""]


def test_where_labels_have_one_class_almost_everywhere_a_model_that_finds_the_others_is_not_degenerate() -> None:
    from robustbench_seg.studies.frame import flag_of

    def counts(right: int, found: int) -> dict[str, np.ndarray]:
        """600 of 100,000 pixels are of the rare class."""
        values = [100_000 - 600 - (found - right), right], [100_000 - found, found], [99_400, 600]
        return dict(zip(MIOU.columns, map(np.array, values), strict=True))

    assert flag_of(counts(580, 610)) == ""
    assert flag_of(counts(300, 300)) == ""
    assert flag_of(counts(50, 59)) == "one class", "less than a tenth of what is labelled"
    assert flag_of(counts(50, 61)) == ""
    assert flag_of(counts(0, 300)) == "no better than one class for every pixel"
