"""Cells whose record is not what was written, or contradicts columns, key and name: one line each."""

from pathlib import Path

import pytest
from whole import Change, change_at, copied, drop, expect_line, rewrite

from robustbench_seg.report.page import write_report
from robustbench_seg.report.sections import sections_of
from robustbench_seg.store.file import read_record

NESTED: list[object] = []
for _ in range(90):
    NESTED = [NESTED]
FIELDS = (
    "kind", "key", "cell", "class_names", "checkpoint_sha256", "licence", "about", "parameters", "environment",
    "timings",
)  # fmt: skip
RECORDS: dict[str, tuple[Change, str]] = {
    **{f"without {name}": (drop(name), f"{name} (is missing|must be)") for name in (*FIELDS, "schema_version")},
    "not JSON": (lambda r: b"{", "not JSON"),
    "no object": (lambda r: [], "the record must be an object, got"),
    "a number": (lambda r: 7, "the record must be an object, got 7"),
    "NUL": (lambda r: b"\0" * 8, "not JSON"),
    "not UTF-8": (lambda r: b"\xff\xfe\xff", "not JSON"),
    "deep": (lambda r: b"[" * 100_000, "it is nested too deeply"),
    "deep in a field": (change_at("environment", "more", to=NESTED), "environment.more"),
    "NaN": (change_at("timings", "total_s", to=float("nan")), "NaN is no number"),
    "infinite": (change_at("timings", "total_s", to=float("inf")), "Infinity is no number"),
    "huge": (change_at("parameters", to=10**30), "parameters must be an integer, got 10000"),
    "endless": (lambda r: b'{"schema_version": ' + b"9" * 5000 + b"}", "not JSON"),
    "half a pair": (change_at("licence", to="\ud800"), "licence must be text"),
    "a model that is not UTF-8": (change_at("cell", "model", to="\udcff"), "cell.model must be text"),
    "a class that is not UTF-8": (change_at("class_names", 0, to="\udcff"), r"class_names\[0\] must be text"),
    "a corruption that is not UTF-8": (change_at("cell", "corruption", to="\udcff"), "cell.corruption must be text"),
    "an unknown field": (change_at("new", to=1), "new is unknown; known are kind, key, cell,"),
    "an unknown field of the cell": (change_at("cell", "new", to=1), "cell.new is unknown; known are model, dataset"),
    "an unknown field of the view": (change_at("cell", "view", "zoom", to=1), "cell.view.zoom is unknown; known are m"),
    "another kind": (change_at("kind", to="cost"), "kind must be one of quality, latency, got 'cost'"),
    "a kind of another cell": (change_at("kind", to="latency"), "is unknown; known are model, num_classes, height"),
    "a cell that is text": (change_at("cell", to="clean"), "cell must be an object, got 'clean'"),
    "a view that is text": (change_at("cell", "view", to="whole"), "cell.view must be an object, got 'whole'"),
    "a mode of no view": (change_at("cell", "view", "mode", to="sideways"), "cell.view: view mode must be whole, sl"),
    "a window of a whole view": (change_at("cell", "view", "crop", to=64), "cell.view: a view whole has no crop"),
    "a scale that is text": (change_at("cell", "view", "scale", to="2"), "cell.view.scale must be a number or a list"),
    "a flip that is a number": (change_at("cell", "view", "flip", to=0), "cell.view.flip must be true or false, got 0"),
    "a severity that is text": (change_at("cell", "severity", to="0"), "cell.severity must be an integer, got '0'"),
    "a severity that is true": (change_at("cell", "severity", to=False), "cell.severity must be an integer, got False"),
    "a severity of clean": (change_at("cell", "severity", to=2), "severity must be 1 .. 5, or 0 with clean, got 2"),
    "a metric of none": (change_at("cell", "metrics", to=["hausdorff"]), r"cell.metrics\[0\] must be one of boundary"),
    "metrics that are text": (change_at("cell", "metrics", to="boundary"), "cell.metrics must be a list, got 'boundar"),
    "classes that are text": (change_at("class_names", to="road"), "class_names must be a list, got 'road'"),
    "a class that is a number": (change_at("class_names", to=[1, 2, 3, 4]), r"class_names\[0\] must be text, got 1"),
    "too few classes": (change_at("class_names", to=["x", "y"]), r"must be of fixed_size_list.*\[2\], not of .*\[4\]"),
    "an environment that is text": (change_at("environment", to="Linux"), "environment must be an object, got 'Linux'"),
    "packages that are a list": (change_at("environment", "packages", to=[]), "environment.packages must be an object"),
    "a package that is a number": (change_at("environment", "packages", to={"torch": 2}), "environment.packages.torch"),
    "threads that are text": (change_at("environment", "threads", to="2"), "environment.threads must be an integer or"),
    "a time that is text": (change_at("timings", to={"total_s": "1"}), "timings.total_s must be a number, got '1'"),
    "negative parameters": (change_at("parameters", to=-1), "parameters must be 0 or more, got -1"),
    "fewer images in all": (change_at("of", to=2), "of must be 3 or more, got 2"),
    "a version that is text": (change_at("schema_version", to="3"), "schema_version must be an integer, got '3'"),
    "a version that is true": (change_at("schema_version", to=True), "schema_version must be an integer, got True"),
    # What the columns, the key or the name contradict:
    "another model": (change_at("cell", "model", to="n"), "its column (cell|model) has rows of 'm"),
    "another corruption": (change_at("cell", "corruption", to="fog"), "severity must be 1 .. 5|its column"),
    "another data set": (change_at("cell", "dataset", to="e"), "its column (cell|dataset) has rows of"),
    "another view": (change_at("cell", "view", "scale", to=2.0), "its column (cell|view) has rows of"),
    "other metrics": (change_at("cell", "metrics", to=["boundary"]), "its column .* must be empty: that metric was of"),
    "another split": (change_at("cell", "split", to="val"), "its column split has rows of 'test'|have the key"),
    "another precision": (change_at("cell", "precision", to="bf16"), "its column precision has rows of|have the key"),
    "another seed": (change_at("cell", "seed", to=1), "its column seed has rows of 0|have the key"),
    "another engine": (change_at("engine_version", to=3), "its column engine_version has rows of 2|have the key"),
    "other weights": (change_at("checkpoint_sha256", to="1" * 64), "its column checkpoint_sha256|have the key"),
    "another fingerprint": (change_at("fingerprint", to="g"), "its column fingerprint has rows of 'f'|have the key"),
    "another key": (change_at("key", to="0" * 32), "its column key has rows of|have the key"),
    "more images": (change_at("images", to=4), r"has 3 rows, its record states 4|of must be 4"),
}  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", RECORDS)
def test_a_cell_with_another_record_is_refused_by_name(whole: Path, tmp_path: Path, name: str, version: int) -> None:
    change, message = RECORDS[name]
    path = copied(whole, tmp_path, "cells/m-d-clean-*", version)
    rewrite(path, record=change)
    expect_line(tmp_path / "out", path, message)


@pytest.mark.parametrize("version", [2, 3])
def test_a_report_shows_bytes_of_a_command_that_are_not_utf_8(whole: Path, tmp_path: Path, version: int) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*", version)
    environment = {"command": "run /data/\udcff", "packages": {"\udcfe": "1\udcfd"}, "more": ["\udcfc"]}
    rewrite(path, record=lambda r: r | {"environment": environment, "about": "of \udcff", "licence": "caf\udcc3\udca9"})
    record = read_record(path)
    shown = {"command": "run /data/\\xff", "packages": {"\\xfe": "1\\xfd"}, "more": ("\\xfc",)}
    assert (record.environment, record.about, record.licence) == (shown, "of \\xff", "café")
    write_report(sections_of([tmp_path / "out"]), tmp_path / "report")
    assert "run /data/\\xff" in (tmp_path / "report" / "report.md").read_text("utf-8")


@pytest.mark.parametrize("version", [0, 4, -1, 99])
def test_a_version_that_is_not_read_is_no_damage(whole: Path, tmp_path: Path, version: int) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    rewrite(path, record=change_at("schema_version", to=version))
    expect_line(tmp_path / "out", path, f"schema version {version}; this program reads 1, 2, 3$", cure=False)


@pytest.mark.parametrize(("version", "said"), [(1, "an extra column"), (2, "an extra column")])
def test_a_file_is_not_taken_for_one_of_an_earlier_version(
    whole: Path, tmp_path: Path, version: int, said: str
) -> None:
    path = copied(whole, tmp_path, "cells/m-d-clean-*")
    rewrite(path, record=change_at("schema_version", to=version))
    expect_line(tmp_path / "out", path, said)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_at("machine", to="another"), "have the key|has the key|its column machine"),
        (change_at("checkpoint_sha256", to="1" * 64), "its column checkpoint_sha256|has the key"),
        (change_at("cell", "batch", to=0), "its column (cell|batch) has rows of"),
        (change_at("cell", "height", to="64"), "cell.height must be an integer"),
        (change_at("macs", to="many"), "macs must be an integer or null, got 'many'"),
    ],
)
def test_a_speed_cell_with_another_record_is_refused(whole: Path, tmp_path: Path, change: Change, message: str) -> None:
    path = copied(whole, tmp_path, "latency/*")
    rewrite(path, record=change)
    expect_line(tmp_path / "out", path, message)
