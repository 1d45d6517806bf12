"""Models that no number tells apart."""

from pathlib import Path

import pandas as pd
from synthetic import write_synthetic

from robustbench_seg.studies.alarms import identical_models, same_counts
from robustbench_seg.studies.frame import quality_frame


def copied(cells: pd.DataFrame, source: str, name: str, **changes: object) -> pd.DataFrame:
    """The cells of a model, once more under another name."""
    return cells[cells["model"] == source].assign(model=name, checkpoint_sha256="other", **changes)


def test_only_models_with_equal_counts_in_all_shared_cells_are_named(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda model, *_: 0.5 + 0.1 * len(model), models=["m", "nn"], conditions={"fog": [1, 2]})
    cells = quality_frame(tmp_path)
    assert same_counts(cells) == {}
    twice = pd.concat([cells, copied(cells, "m", "again")])
    assert same_counts(twice) == {("m", "again"): 3}
    (line,) = identical_models(twice)
    assert line.startswith("m and again have equal counts in each image of the 3 cells that both have")
    fog = copied(cells, "m", "fog")
    fog.loc[fog["severity"] == 2, "content"] = "one image is another's"
    assert same_counts(pd.concat([cells, fog])) == {}
    part = copied(cells, "m", "part")
    assert same_counts(pd.concat([cells, part[part["severity"] == 1]])) == {("m", "part"): 1}
    elsewhere = copied(cells, "m", "elsewhere", fingerprint="of other images")
    assert same_counts(pd.concat([cells, elsewhere])) == {}
    assert same_counts(cells.iloc[:0]) == {}
