"""Speed joined with quality and with the paper's Table 2."""

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.studies.robustness import BASIS
from robustbench_seg.studies.speed import MEASURED, SPEED, beside_table_2, quality_against_latency


def latency_of(**fields: object) -> dict[str, object]:
    return {**dict.fromkeys([*SPEED, *MEASURED], 1), "precision": "fp32", "batch": 1, **fields}


def test_the_papers_row_has_the_same_variant_and_input() -> None:
    frame = pd.DataFrame(
        [
            latency_of(model="segformer-b0", height=1024, width=2048),
            latency_of(model="segformer-b0-mix-s1", height=512, width=1024),
            latency_of(model="segformer-b5", height=1024, width=2048),
            latency_of(model="segformer-b0", height=512, width=512),
            latency_of(model="deeplabv3plus-mbv2", height=1024, width=2048),
            latency_of(model="segformer-b0", height=1024, width=2048, batch=4),
        ]
    )
    table = beside_table_2(frame)
    assert table["paper_row"].fillna("").tolist() == ["SegFormer@1024 B0", "SegFormer@512 B0", "SegFormer B5", "", ""]
    assert table["paper_fps"].tolist()[:3] == [15.2, 47.6, 2.5]
    assert table["paper_gflops"].tolist()[:3] == [125.5, 17.7, 1447.6]
    assert np.isnan(table["paper_fps"].tolist()[3])


def test_speeds_are_compared_to_b0_at_full_size_in_the_same_setup() -> None:
    frame = pd.DataFrame(
        [
            latency_of(model="segformer-b0", height=512, width=1024, images_per_s=6.0, threads=None),
            latency_of(model="segformer-b0", height=1024, width=2048, images_per_s=2.0, threads=None),
            latency_of(model="segformer-b0", height=512, width=1024, images_per_s=40.0, device="cuda"),
        ]
    )
    table = beside_table_2(frame)
    assert table["times_full"].tolist()[:2] == [3.0, 1.0]
    assert table["paper_times_full"].tolist()[:2] == pytest.approx([47.6 / 15.2, 1.0])
    assert table.loc[2, ["times_full", "paper_times_full"]].isna().all()


def test_a_latency_has_the_clean_miou_of_the_same_weights_in_each_view() -> None:
    latency = pd.DataFrame(
        [latency_of(model="a", checkpoint_sha256="1", median_ms=5.0), latency_of(model="a", checkpoint_sha256="2")]
    )
    common = dict.fromkeys(BASIS, "x") | {"model": "a", "checkpoint_sha256": "1", "precision": "fp32", "flag": ""}
    quality = pd.DataFrame(
        [
            {**common, "view": "whole", "corruption": "clean", "miou": 0.5},
            {**common, "view": "slide", "corruption": "clean", "miou": 0.6},
            {**common, "view": "whole", "corruption": "fog", "miou": 0.1},
            {**common, "view": "whole", "corruption": "clean", "miou": 0.4, "precision": "bf16"},
        ]
    )
    table = quality_against_latency(latency, quality)
    assert table[["view", "miou", "median_ms"]].to_numpy().tolist() == [["whole", 0.5, 5.0], ["slide", 0.6, 5.0]]
    assert len(table.columns) == len(set(table.columns))
    assert pytest.approx(0.5) == table["miou"].min()
