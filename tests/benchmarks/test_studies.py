"""The benchmark of the studies runs on a small store; how fast anything is, is not tested."""

from pathlib import Path

from benchmarks.studies import CONDITIONS, main


def test_a_small_store_is_loaded_and_resampled(tmp_path: Path) -> None:
    cells = len(CONDITIONS) + 2
    main(["--cells", str(cells), "--models", "1", "--images", "4", "--resamples", "10", "--out", str(tmp_path)])
    page = (tmp_path / "studies.md").read_text(encoding="utf-8")
    assert f"| store to data frame, mIoU of every cell | {cells} |" in page
    assert f"| bootstrap, 10 resamples | {len(CONDITIONS)} |" in page
    assert "--models 1 --images 4" in page
