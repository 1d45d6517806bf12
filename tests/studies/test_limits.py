"""What the numbers do not show."""

import pandas as pd

from robustbench_seg.studies.limits import same_everywhere


def cells(**contents: str) -> pd.DataFrame:
    """Clean cells and cells of fog; a letter for the counts of each."""
    rows = [
        {
            "title": title,
            "view": "whole",
            "corruption": name,
            "severity": k,
            "seed": 0,
            "precision": "fp32",
            "content": c,
        }
        for title, letters in contents.items()
        for (name, k), c in zip((("clean", 0), ("fog", 1), ("fog", 3)), letters, strict=False)
    ]
    return pd.DataFrame(rows)


def test_models_of_the_same_counts_in_every_cell_raise_an_alarm() -> None:
    assert same_everywhere(cells(one="abc", copy="abc", near="abd", part="a")) == [
        "⚠ one and copy have the same counts in all 3 cells that both have: they predict the same, or one of them goes "
        "by the wrong name.",
        *(
            f"⚠ {title} and part have the same counts in the one cell that both have: they predict the same, or one of "
            "them goes by the wrong name."
            for title in ("one", "copy", "near")
        ),
    ]
    assert same_everywhere(cells(one="abc", other="abd")) == []
    assert same_everywhere(cells(alone="abc")) == []
