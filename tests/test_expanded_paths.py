"""`~` in paths."""

import pytest

from robustbench_seg.errors import UsageError
from robustbench_seg.files import expanded


def test_a_leading_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert expanded("~/weights.pth") == "/home/ann/weights.pth"
    assert expanded("~") == "/home/ann"
    assert expanded("hf:~/b0") == "hf:/home/ann/b0"


@pytest.mark.parametrize("text", ["weights~/b0.pth", "./owner/name", "builtin:streets-b0", "/a//b/", "", "."])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert expanded(text) == text


def test_the_home_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^~nobody-of-that-name/w\.pth: ~nobody-of-that-name is not a home folder"):
        expanded("~nobody-of-that-name/w.pth")
