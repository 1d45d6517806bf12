"""Whatever happens to the files of a store: a report has the right numbers, or there is one line that names a file."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from counted import as_version
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole import read_all, rewrite

from robustbench_seg.errors import RobustBenchError

EXAMPLES = 60
QUICK = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3))
Damage = Callable[[Path], None]


@st.composite
def of_bytes(draw: st.DrawFn) -> Damage:
    """Flip, overwrite, cut out, put in or repeat some bytes of a file."""
    which, start, length = draw(st.integers(0, 99)), draw(st.floats(0, 1)), draw(st.integers(0, 40))
    kind, inserted = draw(st.sampled_from(["flip", "over", "cut", "in", "again", "end"])), draw(st.binary(max_size=40))

    def damage(folder: Path) -> None:
        path = pick(folder, which, "*/*.parquet", "*/*.json")
        content = path.read_bytes()
        at = int(start * len(content))
        before, some, after = content[:at], content[at : at + length], content[at + length :]
        flipped = bytes([content[at] ^ 1 << length % 8]) if at < len(content) else b""
        path.write_bytes(
            {
                "flip": before + flipped + content[at + 1 :],
                "over": before + inserted + content[at + len(inserted) :],
                "cut": before + after,
                "in": before + inserted + some + after,
                "again": before + some + some + after,
                "end": before,
            }[kind]
        )

    return damage


@st.composite
def of_json(draw: st.DrawFn) -> Damage:
    """Change, drop or rename a value somewhere in a plan, a failure or a record."""
    which, steps = draw(st.integers(0, 99)), draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))
    kind, value, name = draw(st.sampled_from(["change", "drop", "rename"])), draw(VALUES), draw(st.text(max_size=6))

    def changed(content: Any) -> Any:
        place, key = content, None
        for step in steps:
            if not isinstance(place, dict | list) or not place:
                break
            holder, key = place, (list(place) if isinstance(place, dict) else range(len(place)))[step % len(place)]
            place = holder[key]
        if kind == "change" or isinstance(holder, list):
            holder[key] = value
        elif kind == "drop":
            del holder[key]
        else:
            holder[name] = holder.pop(key)
        return content

    def damage(folder: Path) -> None:
        path = pick(folder, which, "*/*.json", "*/*.parquet")
        if path.suffix == ".parquet":
            rewrite(path, record=changed, sealed=False)
        else:
            path.write_text(json.dumps(changed(json.loads(path.read_text()))), "utf-8")

    return damage


@st.composite
def of_columns(draw: st.DrawFn) -> Damage:
    """Drop, rename, move or refill a column; drop, repeat or turn rows."""
    which, column, other = draw(st.integers(0, 99)), draw(st.integers(0, 99)), draw(st.integers(0, 99))
    kind = draw(st.sampled_from(["drop", "rename", "swap", "fill", "values", "rows", "repeat", "turn"]))
    values, row, name = (
        draw(st.lists(SCALARS, min_size=3, max_size=3)),
        draw(st.integers(0, 3)),
        draw(st.text(max_size=4)),
    )

    def changed(table: pa.Table) -> pa.Table:
        names = table.column_names
        at, to = column % len(names), other % len(names)
        if kind in ("rename", "swap"):
            new = {at: names[to], to: names[at]} if kind == "swap" else {at: name}
            return table.rename_columns([new.get(k, each) for k, each in enumerate(names)])
        if kind in ("fill", "values"):
            return table.set_column(at, names[at], table[names[to]] if kind == "fill" else array_of(values))
        if kind == "drop":
            return table.remove_column(at)
        places = {"rows": list(range(row)), "repeat": [0, 1, 2, row % 3], "turn": [2, 1, 0]}[kind]
        return table.take(pa.array(places, pa.int64()))

    return lambda folder: rewrite(pick(folder, which, "*/*.parquet"), changed, sealed=False)


def array_of(values: list[Any]) -> pa.Array:
    """Make a column, of nulls where there is none of such values."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return pa.nulls(len(values))


@st.composite
def of_names(draw: st.DrawFn) -> Damage:
    """Rename a file, copy it under another's name, swap two, or take one away."""
    one, other = draw(st.integers(0, 99)), draw(st.integers(0, 99))
    kind, letter = draw(st.sampled_from(["rename", "copy", "swap", "remove"])), draw(st.sampled_from("abcxyz019-. "))

    def damage(folder: Path) -> None:
        path, second = pick(folder, one, "*/*.*"), pick(folder, other, "*/*.*")
        if kind == "rename":
            at = other % len(path.stem)
            path.rename(path.with_name(path.stem[:at] + letter + path.stem[at + 1 :] + path.suffix))
        elif kind == "copy":
            shutil.copy(path, second.with_name(f"{letter}{path.name}"))
        elif kind == "swap":
            content = path.read_bytes()
            path.write_bytes(second.read_bytes())
            second.write_bytes(content)
        else:
            path.unlink()

    return damage


def pick(folder: Path, number: int, *patterns: str) -> Path:
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]
    return found[number % len(found)]


def outcome(whole: Path, damage: Damage, version: int = 3) -> dict[str, Any] | None:
    """What a report computes of a damaged copy, or None where there is the one line."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "out"
        shutil.copytree(whole, folder)
        if version == 2:
            for path in sorted(folder.glob("*/*.parquet")):
                as_version(path, 2)
        damage(folder)
        try:
            return read_all(folder)
        except RobustBenchError as error:
            assert str(folder) in str(error)
            assert len(str(error).splitlines()) == 1, repr(str(error))
            return None


@pytest.fixture(scope="module")
def numbers(whole: Path) -> dict[str, Any]:
    return read_all(whole)


@pytest.mark.parametrize("strategy", [of_bytes, of_json, of_columns, of_names], ids=lambda strategy: strategy.__name__)
def test_a_damaged_store_gives_the_right_numbers_or_one_line(
    whole: Path, numbers: dict[str, Any], strategy: Callable[[], st.SearchStrategy[Damage]]
) -> None:
    @settings(QUICK, max_examples=EXAMPLES)
    @given(strategy())
    def holds(damage: Damage) -> None:
        found = outcome(whole, damage)
        for kind in ("quality", "latency") if found else ():
            for place, values in found[kind].items():  # a file that is gone leaves the others
                assert values == numbers[kind][place]

    holds()


def test_of_an_earlier_version_too_there_is_at_most_one_line(whole: Path) -> None:
    """What a flipped bit made of its counts can't be known there; that they are counts can."""

    @settings(QUICK, max_examples=EXAMPLES)
    @given(of_bytes() | of_json() | of_columns() | of_names())
    def holds(damage: Damage) -> None:
        outcome(whole, damage, version=2)

    holds()
