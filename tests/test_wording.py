import os

import pytest

from robustbench_seg.wording import counted, listed, p_text, quote


def test_numbers_are_written_in_the_singular_and_the_plural() -> None:
    assert [counted(number, "image") for number in (0, 1, 2)] == ["0 images", "1 image", "2 images"]


@pytest.mark.parametrize(("words", "text"), [("", ""), ("a", "a"), ("ab", "a, b"), ("abcd", "a, b and 2 more")])
def test_the_first_few_words_are_listed_and_the_others_counted(words: str, text: str) -> None:
    assert listed(list(words), 2) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("zürich/[red]'\"#.png", "zürich/[red]'\"#.png"),
        ("a\nb\rc\td\x1b[31m", r"a\nb\rc\td\x1b[31m"),
        ("a\u2028b\x85c\u202e", r"a\u2028b\x85c\u202e"),
        (os.fsdecode(b"\xff\xfe.png"), r"\xff\xfe.png"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_name_is_shown_within_a_line(name: str, text: str) -> None:
    assert quote(name) == text
    assert quote(name).encode()


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0494, "0.049"),
        (0.0496, "0.0496"),
        (500 / 10_001, "0.049995"),
        (0.05, "0.050"),
        (1 - 0.95, "0.050"),
        (0.0504, "0.0504"),
        (0.0506, "0.051"),
    ],
)
def test_a_p_next_to_the_level_is_written_on_its_side(p: float, text: str) -> None:
    assert p_text(p) == text
    assert (float(text) > 0.05) == (p > 1 - 0.95)


def test_a_bound_on_p_is_rounded_up_and_so_never_falls_below_the_level() -> None:
    assert [p_text(p, bound=True) for p in (0.0496, 0.05, 0.0504)] == ["≤0.050", "≤0.050", "≤0.051"]
