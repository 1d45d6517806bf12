"""Members of a family come from us, from a script, and from other installed packages."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from robustbench_seg import family
from robustbench_seg.errors import UsageError
from robustbench_seg.family import Family

MODULE = """
from robustbench_seg.errors import UsageError
from test_family import NUMBERS
three = 3
word = 'four'
two = 2
def six():
    return 6
def seven():
    return 7
NUMBERS[0].register("six", 6, six)
NUMBERS[0].register("other", 7, seven)
def __getattr__(name):
    raise UsageError("one line of ours") if name == "eight" else AttributeError(name)
"""
OFFERS = {
    "three": "more_numbers:three",
    "four": "more_numbers:word",
    "five": "more_numbers:five",
    "two": "more_numbers:two",
    "six": "more_numbers:six",
    "seven": "more_numbers:seven",
    "eight": "more_numbers:eight",
    "nine": "no_such_module:nine",
}
NUMBERS: list[Family[int]] = []  # the module's own, as CORRUPTIONS is that of a package's decorators


@dataclass(frozen=True)
class Named:
    name: str


def install(folder: Path, name: str, offers: dict[str, str]) -> None:
    """Write what pip writes of a package that offers members, but for its modules."""
    metadata = folder / f"{name.replace('-', '_')}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    lines = "".join(f"{key} = {value}\n" for key, value in offers.items())
    (metadata / "entry_points.txt").write_text(f"[robustbench_seg.numbers]\n{lines}")


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family[int]]:
    """A family of integers, to which an installed package offers more."""
    (tmp_path / "more_numbers").mkdir()
    (tmp_path / "more_numbers/__init__.py").write_text(MODULE)
    install(tmp_path, "more-numbers", OFFERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "test_family", sys.modules[__name__])
    family.offers_to.cache_clear()
    NUMBERS[:] = [Family("number", int, {"one": 1, "two": 2})]
    yield NUMBERS[0]
    family.offers_to.cache_clear()
    sys.modules.pop("more_numbers", None)


def test_a_member_of_another_package_is_one_of_the_family(numbers: Family[int]) -> None:
    assert {"one", "two", "three", "five"} <= set(numbers)
    assert "three" in numbers
    assert "ten" not in numbers
    assert len(numbers) == len(list(numbers)) == len(set(numbers))
    assert "more_numbers" not in sys.modules, "nothing of it is imported to list its members"
    assert numbers["three"] == 3
    assert numbers["one"] == 1
    assert numbers["three"] == 3, "a second time"


def test_a_package_may_offer_what_its_decorator_registers(numbers: Family[int]) -> None:
    assert numbers["six"] == 6
    assert numbers["six"] == 6


def test_a_member_of_a_script_is_there_for_its_process(numbers: Family[int]) -> None:
    numbers["ten"] = 10
    assert numbers["ten"] == 10
    del numbers["ten"]
    assert "ten" not in numbers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("one", "robustbench-seg and this program have one of that name"),
        ("six", "more_numbers.six and this program have one of that name"),
    ],
)
def test_an_assignment_replaces_nothing_of_another(numbers: Family[int], name: str, reason: str) -> None:
    value = numbers[name]
    with pytest.raises(UsageError, match=f"number '{name}': {reason}; rename one"):
        numbers[name] = 10
    assert numbers[name] == value


def test_a_member_is_of_its_kind_and_called_as_it_is_named() -> None:
    people = Family("person", Named, {})
    people["ann"] = Named("ann")
    with pytest.raises(UsageError, match="person 'bob' is called 'ann'; both names must be the same"):
        people["bob"] = Named("ann")
    with pytest.raises(
        UsageError, match="person 'bob' must be of test_family's Named, or registered under that name, got s"
    ):
        people["bob"] = "bob"
    assert list(people) == ["ann"]


def test_a_definition_that_is_run_again_replaces_the_former_and_another_is_refused(numbers: Family[int]) -> None:
    def defined(value: int) -> Callable[[], int]:
        def ten() -> int:
            return value

        return ten

    numbers.register("ten", 10, defined(10))
    numbers.register("ten", 11, defined(11))
    assert numbers["ten"] == 11
    place = f"{__name__}.test_a_definition_that_is_run_again_replaces_the_former_and_another_is_refused"
    with pytest.raises(UsageError) as error:
        numbers.register("ten", 12, install)
    own = f"{place}.<locals>.defined.<locals>.ten"
    assert str(error.value) == f"number 'ten': {own} and {__name__}.install have one of that name; rename one"
    with pytest.raises(UsageError, match=r"number 'one': robustbench-seg and .*\.install have one of that name"):
        numbers.register("one", 12, install)
    assert (numbers["ten"], numbers["one"]) == (11, 1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two", "number 'two': robustbench-seg and more-numbers have one of that name; remove all but one"),
        (
            "four",
            "number 'four' of package more-numbers: more_numbers:word must be of builtins's int, or registered under "
            "that name, got str",
        ),
        ("five", "number 'five' of package more-numbers: more_numbers:five can't be imported: AttributeError: five"),
        (
            "seven",
            "number 'seven' of package more-numbers: more_numbers:seven must be of builtins's int, or registered",
        ),
        ("eight", "number 'eight' of package more-numbers: more_numbers:eight can't be imported: one line of ours"),
        ("nine", "number 'nine' of package more-numbers: no_such_module:nine can't be imported: ModuleNotFoundError"),
    ],
)
def test_what_can_not_be_had_is_refused_by_name(numbers: Family[int], name: str, reason: str) -> None:
    for _ in range(2):
        with pytest.raises(UsageError) as error:
            numbers[name]
        assert str(error.value).startswith(reason)
        assert "\n" not in str(error.value)


def test_two_packages_or_a_script_and_a_package_with_one_name_are_refused(
    numbers: Family[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers.register("three", 3, install)
    with pytest.raises(UsageError, match=r"number 'three': .*\.install and more-numbers have one of that name"):
        numbers["three"]
    (tmp_path / "second").mkdir()
    install(tmp_path / "second", "yet-more-numbers", {"six": "yet_more_numbers:six"})
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    family.offers_to.cache_clear()
    with pytest.raises(UsageError, match="number 'six': more-numbers and yet-more-numbers have one of that name"):
        numbers["six"]
    assert "more_numbers" not in sys.modules


def test_a_name_that_nobody_has_is_a_key_error(numbers: Family[int]) -> None:
    with pytest.raises(KeyError):
        numbers["ten"]
