"""Members of a family come from us, from a script, and from other installed packages."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from robustbench_seg import family
from robustbench_seg.errors import UsageError
from robustbench_seg.family import Family


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family[int]]:
    """A family of integers; an installed package offers three, a name of ours, and two that can't be had."""
    package = tmp_path / "more_numbers"
    package.mkdir()
    (package / "__init__.py").write_text("three = 3\nword = 'four'\ntwo = 2\n")
    metadata = tmp_path / "more_numbers-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: more-numbers\nVersion: 1\n")
    offers = "three = more_numbers:three\nfour = more_numbers:word\nfive = more_numbers:five\ntwo = more_numbers:two\n"
    (metadata / "entry_points.txt").write_text(f"[robustbench_seg.numbers]\n{offers}")
    monkeypatch.syspath_prepend(str(tmp_path))
    family.offered.cache_clear()
    yield Family("number", int, {"one": 1, "two": 2})
    family.offered.cache_clear()
    family.loaded.cache_clear()
    sys.modules.pop("more_numbers", None)


def test_a_member_of_another_package_is_one_of_the_family(numbers: Family[int]) -> None:
    assert list(numbers) == ["one", "two", "five", "four", "three"]
    assert "three" in numbers
    assert len(numbers) == 5
    assert "more_numbers" not in sys.modules, "nothing of it is imported to list its members"
    assert numbers["three"] == 3
    assert numbers["one"] == 1


def test_a_member_of_a_script_is_there_for_its_process(numbers: Family[int]) -> None:
    numbers["six"] = 6
    assert numbers["six"] == 6
    del numbers["six"]
    assert "six" not in numbers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two", "number 'two': robustbench-seg and more-numbers have one of that name; remove all but one"),
        ("four", "number 'four' of package more-numbers: more_numbers:word must be of builtins's int, got str"),
        ("five", "number 'five' of package more-numbers: more_numbers:five can't be imported: AttributeError"),
    ],
)
def test_what_can_not_be_had_is_refused_by_name(numbers: Family[int], name: str, reason: str) -> None:
    with pytest.raises(UsageError) as error:
        numbers[name]
    assert str(error.value).startswith(reason)
    assert "\n" not in str(error.value)


def test_a_name_that_nobody_has_is_a_key_error(numbers: Family[int]) -> None:
    with pytest.raises(KeyError):
        numbers["seven"]
