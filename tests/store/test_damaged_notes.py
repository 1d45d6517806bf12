"""Plans, failures and pictures that are not what was written: each is one line with the file's name and the cure."""

import json
import re
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from whole import Change, change_at, copied, drop, read_all

from robustbench_seg.errors import StoreError, UsageError
from robustbench_seg.files import digest
from robustbench_seg.report.gallery import gallery_of
from robustbench_seg.store.folder import Store
from robustbench_seg.store.view import View
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.pictures import stored_pictures
from robustbench_seg.studies.plans import read_plans
from robustbench_seg.studies.sources import sources_of


def write_json(path: Path, content: Any) -> Path:
    """Write a plan under the name that its content has, or a failure; bytes as they are."""
    if isinstance(content, bytes):
        path.write_bytes(content)
        return path
    path.unlink()
    if path.parent.name == "plans":
        plan = {name: value for name, value in content.items() if name != "written"}
        path = path.with_name(f"whole-{digest(plan, 6)}.json")
    path.write_text(json.dumps(content))
    return path


def expect_line(path: Path, message: str, cure: str) -> None:
    with pytest.raises(StoreError) as found:
        read_all(path.parents[1])
    text = str(found.value)
    assert text.startswith(f"{path}: ")
    assert re.search(message, text), text
    assert "\n" not in text
    assert text.endswith(cure)


CONTENT: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "half": (b'{"suite": "whole', "not JSON"),
    "a list": (b"[]", "the content must be an object, got"),
    "a number": (b"7", "the content must be an object, got 7"),
    "null": (b"null", "the content must be an object, got None"),
    "an empty object": (b"{}", "is missing|must be"),
    "NUL": (b"\0" * 16, "not JSON"),
    "not UTF-8": (b'{"suite": "\xff"}', "not JSON"),
    "deep": (b'{"suite": ' + b"[" * 100_000, "it is nested too deeply"),
    "not a number": (b'{"images": NaN}', "NaN is no number"),
    "endless": (b'{"images": ' + b"9" * 5000 + b"}", "not JSON"),
}
FIELDS = ("suite", "description", "protocol", "conditions", "precision", "images", "gallery", "views", "cells")
PLANS: dict[str, tuple[Change, str]] = {
    **{f"without {name}": (drop(name), f"{name} is missing") for name in FIELDS},
    **{f"{name} null": (change_at(name, to=None), f"{name} must be .*, got None") for name in FIELDS},
    "an unknown field": (change_at("mood", to="good"), "mood is unknown; known are suite, description"),
    "a suite with a folder": (change_at("suite", to="../whole"), "suite must be a part of a file's name, got"),
    "a suite with NUL": (change_at("suite", to="a\0b"), "suite must be a part of a file's name"),
    "half a pair": (change_at("description", to="\ud800"), "description must be text"),
    "conditions by name": (change_at("conditions", to={"fog": [3]}), "conditions must be a list, got {'fog'"),
    "a condition alone": (change_at("conditions", to=["fog"]), r"conditions\[0\] must be a list of 2, got 'fog'"),
    "a condition of one part": (change_at("conditions", to=[["fog"]]), r"conditions\[0\] must be a list of 2"),
    "a condition of three": (change_at("conditions", to=[["fog", [3], 1]]), r"conditions\[0\] must be a list of 2"),
    "severities that are one": (change_at("conditions", to=[["fog", 3]]), r"\[0\]\[1\] must be a list, got 3"),
    "severities of text": (change_at("conditions", to=[["fog", ["3"]]]), r"\[1\]\[0\] must be an integer, got '3'"),
    "severities of true": (change_at("conditions", to=[["fog", [True]]]), r"\[1\]\[0\] must be an integer, got True"),
    "no severities": (change_at("conditions", to=[["fog", []]]), "severities of fog must differ and be 1 .. 5"),
    "severity 9": (change_at("conditions", to=[["fog", [9]]]), "severities of fog must differ and be 1 .. 5, got"),
    "severity 3 twice": (change_at("conditions", to=[["fog", [3, 3]]]), "severities of fog must differ and be 1 .. 5"),
    "a condition that is clean": (change_at("conditions", to=[["clean", [3]]]), "must be corruptions, got clean, whi"),
    "a condition that is not UTF-8": (change_at("conditions", to=[["\udcff", [3]]]), r"\[0\]\[0\] must be text, got"),
    "fog twice": (change_at("conditions", to=[["fog", [3]], ["fog", [1]]]), "conditions must differ, got fog, fog"),
    "images of text": (change_at("images", to="3"), "images must be an integer, got '3'"),
    "images of a half": (change_at("images", to=2.5), "images must be an integer, got 2.5"),
    "negative images": (change_at("images", to=-1), "images must be 0 or more, got -1"),
    "endless images": (change_at("images", to=10**40), "images must be an integer, got 1000"),
    "a view of no kind": (change_at("views", to=["sideways"]), "unknown view 'sideways'; views have names such as"),
    "a view that is an object": (change_at("views", to=[{"mode": "whole"}]), r"views\[0\] must be text, got"),
    "views of text": (change_at("views", to="whole"), "views must be a list, got 'whole'"),
    "a view twice": (change_at("views", to=["whole", "whole"]), "views must differ, got whole, whole"),
    "limits of text": (change_at("limits", to="none"), "limits must be a list, got 'none'"),
    "a margin of nothing": (change_at("margin", to=0), "margin must be above 0 and at most 100 points, got 0"),
    "a comparison of one arm": (
        change_at("primary", to=[{"arms": ["a", "a"], "quantity": "mean"}]),
        r"primary\[0\]: a comparison needs two arms that differ, got a and a",
    ),
    "a limit of numbers": (change_at("limits", to=[1]), r"limits\[0\] must be text, got 1"),
    "a gallery of text": (change_at("gallery", to="a"), "gallery must be a list, got 'a'"),
    "a gallery of numbers": (change_at("gallery", to=[1]), r"gallery\[0\] must be text, got 1"),
    "a gallery elsewhere": (change_at("gallery", to=["../../x"]), "a gallery image must be an id, got '../../x'"),
    "a gallery at the root": (change_at("gallery", to=["/etc/x"]), "a gallery image must be an id, got '/etc/x'"),
    "a gallery with NUL": (change_at("gallery", to=["a\0"]), "a gallery image must be an id"),
    "a long gallery": (change_at("gallery", to=["x" * 5000]), "a gallery image must have at most 200 bytes, got 5000"),
    "a deep gallery": (change_at("gallery", to=["a/" * 200]), "a gallery image must have at most 200 bytes, got 400: "),
    "a gallery that is not UTF-8": (change_at("gallery", to=["\udcff"]), r"gallery\[0\] must be text"),
    "cells by key": (change_at("cells", to={}), "cells must be a list, got {}"),
    "a cell of text": (change_at("cells", to=["m"]), r"cells\[0\] must be an object, got 'm'"),
    "a cell without a key": (drop("cells", 0, "key"), r"cells\[0\].key is missing"),
    "a cell with a colour": (change_at("cells", 1, "colour", to=1), r"cells\[1\].colour is unknown; known are kind"),
    "a cell with all fields": (change_at("cells", 1, "cell", to=None), r"cells\[1\].cell is unknown; known are kind"),
    "an empty key": (change_at("cells", 0, "key", to=""), r"cells\[0\]: key must be 32 hexadecimal digits, got ''"),
    "a cell of another kind": (change_at("cells", 0, "kind", to="cost"), r"cells\[0\].kind must be one of quality"),
    "a key of numbers": (change_at("cells", 0, "key", to=7), r"cells\[0\].key must be text, got 7"),
    "a short key": (change_at("cells", 0, "key", to="0"), r"cells\[0\]: key must be 32 hexadecimal digits, got '0'"),
    "a slug elsewhere": (change_at("cells", 0, "slug", to="../m"), r"cells\[0\]: slug must be a part of a file's name"),
    "a long slug": (change_at("cells", 0, "slug", to="é" * 101), "slug must have at most 200 bytes, got 202: "),
    "a slug that is not UTF-8": (change_at("cells", 0, "slug", to="\udcff"), r"cells\[0\].slug must be text"),
    "a suite that is not UTF-8": (change_at("suite", to="\udcff"), "suite must be text"),
    "a written number": (change_at("written", to=1), "written must be text, got 1"),
}  # fmt: skip
PLAN_CURE = "; remove it, and run its suite again to write it again"


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize(("kind", "cure"), [("plans", PLAN_CURE), ("failed", "; remove it")])
def test_a_note_that_is_none_is_named(whole: Path, tmp_path: Path, kind: str, cure: str, name: str) -> None:
    content, message = CONTENT[name]
    path = copied(whole, tmp_path, f"{kind}/*.json")
    expect_line(write_json(path, content), message, cure)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_is_none_is_named_with_what_is_allowed(whole: Path, tmp_path: Path, name: str) -> None:
    change, message = PLANS[name]
    path = copied(whole, tmp_path, "plans/*.json")
    expect_line(write_json(path, change(json.loads(path.read_text()))), message, PLAN_CURE)


def test_a_plan_that_was_changed_is_not_the_one_that_its_name_says(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "plans/*.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"cells": content["cells"][:1]}))
    expect_line(path, "not the plan of its name", PLAN_CURE)


def test_a_plan_of_before_there_were_limits_is_still_read(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "plans/*.json")
    before = json.loads(path.read_text())
    for name in ("limits", "written", "primary", "margin"):
        del before[name]
    write_json(path, before)
    (plan,) = read_plans(tmp_path / "out", quality_frame(tmp_path / "out"))
    assert (plan.limits, plan.written, plan.primary, plan.margin) == ((), "", (), 1)
    assert [cell.key for cell in plan.cells] == [cell["key"] for cell in before["cells"]]


def test_a_plan_and_a_failure_with_text_that_is_not_utf_8_are_read_printable(whole: Path, tmp_path: Path) -> None:
    plan_path = copied(whole, tmp_path, "plans/*.json")
    before = json.loads(plan_path.read_text())
    write_json(plan_path, before | {"description": "d\udcff", "limits": ["caf\udcc3\udca9 \udcff"]})
    (failed_path,) = (tmp_path / "out" / "failed").glob("*.json")
    said = change_at("traceback", to="Traceback\nOSError: \udcff.png\nof é")
    write_json(failed_path, said(json.loads(failed_path.read_text())))
    (plan,) = read_plans(tmp_path / "out", quality_frame(tmp_path / "out"))
    assert (plan.description, plan.limits) == ("d\\xff", ("café \\xff",))
    (failure,) = Store(tmp_path / "out").failures().values()
    assert failure.traceback == "Traceback\nOSError: \\xff.png\nof é"


FAILURES: dict[str, tuple[Change, str]] = {
    "without a record": (drop("record"), "the record must be an object, got None"),
    "without a traceback": (drop("traceback"), "traceback is missing"),
    "a traceback of lines": (change_at("traceback", to=["a"]), "traceback must be text, got"),
    "an unknown field": (change_at("mood", to=1), "mood is unknown; known are record, traceback"),
    "a record without a key": (drop("record", "key"), "key is missing"),
    "a record without a cell": (drop("record", "cell"), "cell must be an object, got None"),
    "a record of a later program": (change_at("record", "schema_version", to=9), "schema version 9; this program"),
    "another cell": (change_at("record", "cell", "model", to="n"), "holds the failure n-d-clean-whole-ffff"),
    "another key": (change_at("record", "key", to="0" * 32), "holds the failure m-d-clean-whole-0000"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_that_is_none_is_named_with_what_is_allowed(whole: Path, tmp_path: Path, name: str) -> None:
    change, message = FAILURES[name]
    path = copied(whole, tmp_path, "failed/*.json")
    expect_line(write_json(path, change(json.loads(path.read_text()))), message, "; remove it")


def test_a_failure_without_lines_still_says_something(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "failed/*.json")
    write_json(path, change_at("traceback", to=" \n")(json.loads(path.read_text())))
    (failure,) = Store(tmp_path / "out").failures().values()
    assert failure.message == "no traceback was kept"


def test_a_failure_says_the_error_and_its_notes(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "failed/*.json")
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            error = RuntimeError("out of memory\non this GPU")
            error.add_note("image x (x.png)")
            raise error from first
    except RuntimeError:
        write_json(path, change_at("traceback", to=traceback.format_exc())(json.loads(path.read_text())))
    (failure,) = Store(tmp_path / "out").failures().values()
    assert failure.message == "RuntimeError: out of memory; on this GPU; image x (x.png)"


@pytest.mark.parametrize("view", ["whole", "whole-x0.5", "slide-256-192", "slide-256-192-x2-flip", "whole-x0.5_1_2"])
def test_a_view_is_read_from_its_name(view: str) -> None:
    assert str(View.parse(view)) == view


@pytest.mark.parametrize(
    "text",
    ["", "whole ", "WHOLE", "slide", "slide-256", "slide-16-8", "slide-64-65", "whole-x", "whole-x1", "whole-x9",
     "whole-x0", "whole-x1.0", "whole-x2_2", "whole-xnan", "whole-x2-flip-flip", f"slide-{'9' * 5000}-1", "whole\n"],
)  # fmt: skip
def test_what_is_no_view_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="unknown view"):
        View.parse(text)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shrink(path: Path) -> None:
    PIL.Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (empty, "not a picture that a run kept"),
        (halve, "not a picture that a run kept"),
        (shrink, "of another size than"),
    ],
)
def test_a_picture_that_is_none_is_named(
    whole: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    shutil.copytree(whole, tmp_path / "out")
    (source,) = sources_of([tmp_path / "out"], None, pictures=True)
    shown = stored_pictures(source.quality.assign(title="m"), source.plan.gallery)
    assert len(gallery_of(shown, 10**6).scenes) == 1
    damage(shown[0].prediction)
    with pytest.raises(StoreError, match=f"a-prediction.png: {message}.*; remove it$"):
        gallery_of(shown, 10**6)
