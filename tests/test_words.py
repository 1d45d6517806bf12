"""The glossary, as far as a machine can check it: docstrings, comments, messages and names of both packages."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A pattern in running text: what to write instead.
WORDS = {
    r"\b(go|goes|going|gone|went) on\b": "resume, continue",
    r"\bbeside\b": "next to, in addition to",
    r"\b(that|those) of\b": "repeat the noun",
    r"\bof (which|whom)\b": "a main clause that repeats the noun",
    r"\b(mend|mends|mended|mending)\b": "repair",
    r"\banew\b": "again",
    r"\b(say|says|said|saying)\b": "state, report, print, name",
    r"\b(tell|tells|told) (of|what|which|where|whether|how|whom)\b": "state, report, decide",
    r"\b(sure|surer)\b": "certain; of a difference: significant",
    r"\bbut for\b": "except",
    r"\bsave (for|where|that)\b": "except",
    r"\bbe had\b": "be available, be read",
    r"\btaken for\b": "treated as",
    r"\b(be it|if need be|for want of|as ever|in one's)\b": "a plain clause with if or without",
    r"\b(somebody|nobody|whoever|whatever else)\b": "the user, the caller, another process, any other",
    r"\bof (its|their|one's) own\b": "its own ..., a separate ...",
    r"\bwithout a word\b": "silently",
}
# Verbs and participles that are no names: values are nouns, functions are imperatives.
NAMES = {
    "said", "told", "heard", "asked", "wanted", "having", "titled", "joined", "known", "marked", "through", "found",
    "shown", "needed", "chosen", "kept", "held", "beside", "apart", "anew", "agreed", "named", "gone", "spoken",
}  # fmt: skip
# Not yet brought to the glossary; a path that begins with one of these is skipped. The list ends empty.
REMAINING = ()
SOURCES = [
    path
    for package in ("segformer", "robustbench_seg")
    for path in sorted(ROOT.glob(f"{package}/**/*.py"))
    if not path.relative_to(ROOT).as_posix().startswith(REMAINING)
]


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every comment and string with a space; code in backticks is left out."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) and " " in token.string:
            yield token.start[0], re.sub(r"`[^`]*`", "`", token.string)


def bad_words(source: str) -> list[str]:
    """List what the glossary replaces, with the line and the replacement. A line break counts as a space."""
    return [
        f"line {first + text.count(chr(10), 0, hit.start())}: {' '.join(hit[0].split())!r}: write {better}"
        for first, text in texts(source)
        for pattern, better in WORDS.items()
        for hit in re.finditer(pattern.replace(" ", r"\s+"), text, re.IGNORECASE)
    ]


def bad_names(source: str) -> list[str]:
    """List the functions, classes, parameters, variables and attributes with a name that is no name."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                pass
            case _:
                continue
        if name.lower().strip("_") in NAMES:
            lines.append(f"line {node.lineno}: {name}: a value is named by a noun, a function by an imperative")
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_source_keeps_to_the_glossary(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert bad_words(source) + bad_names(source) == []


def test_a_word_is_seen_in_comments_strings_and_docstrings_and_across_a_line_break() -> None:
    source = 'x = 1  # a run that goes on\n"""One value: that\nof the other."""\ny = f"lies beside {x}"\n'
    assert bad_words(source) == [
        "line 1: 'goes on': write resume, continue",
        "line 2: 'that of': write repeat the noun",
        "line 4: 'beside': write next to, in addition to",
    ]


def test_code_and_other_words_are_not_taken_for_one() -> None:
    assert bad_words('"""Print with `say`; besides, essays and \'those offered\' go one by one."""\n') == []
    assert bad_names("founded = x.found\n") == []
    assert bad_names("def found(told): ...\n") == [
        "line 1: found: a value is named by a noun, a function by an imperative",
        "line 1: told: a value is named by a noun, a function by an imperative",
    ]
