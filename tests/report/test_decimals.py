"""Numbers of a metric of a user's own, of whatever size: as many digits as tell them apart."""

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.metrics import SHIPPED, Metric, Prediction
from robustbench_seg.report.parts.worst import columns_of
from robustbench_seg.report.table import Column, Row, Table
from robustbench_seg.report.units import DIGITS
from robustbench_seg.wording import MISSING

SAME = 0.1 + 0.2  # differs from 0.3 by rounding alone


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.5, 0.25, 12.0], ["0.50", "0.25", "12.00"]),
        ([0.4312, 0.4309], ["0.4312", "0.4309"]),
        ([0.0012], ["0.001"]),
        ([SAME, 0.3], ["0.30", "0.30"]),
        ([2e-7, 1e-7], ["2.00e-07", "1.00e-07"]),
        ([-0.0, 1.0], ["0.00", "1.00"]),
        ([float("nan"), 1234.5], ["–", "1234.50"]),
    ],
)
def test_values_that_differ_have_texts_that_differ(values: list[float], texts: list[str]) -> None:
    column = Column(name="a", label="a", unit=DIGITS).fitted([{"a": [value]} for value in values])
    assert [column.cell(value).text for value in values] == texts


def test_the_best_is_found_among_the_values() -> None:
    values = [0.43121, 0.43119, SAME, 0.3]
    column = Column(name="a", label="a", best="high", unit=DIGITS).fitted([{"a": [value]} for value in values])
    rows = [Row(cells=(column.cell(value),), where={}) for value in values]
    table = Table(file="x", title="t", caption="c", columns=(column,), rows=rows)
    assert [best for ((_, best),) in table.grid] == [True, False, False, False]


def count_hits(prediction: Prediction) -> dict[str, int]:
    return {"tiny_hits": int(prediction.valid.sum())}


@pytest.mark.parametrize(
    ("metric", "texts"), [("tiny", ["0.0001", "0.0003", MISSING]), ("likelihood", ["0.00", "0.00", MISSING])]
)
def test_worst_images_by_a_users_own_metric_have_digits_that_tell_them_apart(metric: str, texts: list[str]) -> None:
    own = {"title": "Tiny", "columns": {"tiny_hits": "integer"}, "count": count_hits, "higher": False, "unit": ""}
    metrics = {**SHIPPED, "tiny": Metric(name="tiny", value=lambda sums: sums["tiny_hits"], **own)}
    frame = pd.DataFrame(
        {"image": ["a", "b", "c"], "clean": [0.00012, 0.00034, np.nan], "lost": "none", "severity": 3, "models": "m"}
    )
    image, clean, lost = columns_of(frame, metrics[metric])
    assert [image.label, clean.label, lost.label] == ["image", "clean", "lost"]
    assert [clean.cell(value).text for value in frame["clean"]] == texts
    assert [column.cell("x").text for column in (image, lost)] == ["x", "x"]
