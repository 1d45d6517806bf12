import os

import pytest

from robustbench_seg.wording import counted, listed, quote


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
