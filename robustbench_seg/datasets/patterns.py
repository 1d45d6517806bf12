"""Files by a pattern of their paths, such as images/*/*_rgb.png: what its wildcards stand for is a file's id."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import DataError
from ..wording import listed, quote
from .folders import (
    Listing,
    Pairs,
    and_more,
    both,
    by_id,
    in_another_format,
    names_of,
    notes_of,
    without_label,
)
from .tree import is_like_an_image, require_folder, walk

__all__ = ["list_pattern", "pair_patterns"]

WILDCARD = re.compile(r"\*\*/|\*|\?")
MEANING = {"**/": "((?:[^/]+/)*)", "*": "([^/]*)", "?": "([^/])"}


def list_pattern(root: Path, pattern: str, endings: Sequence[str]) -> Listing:
    """List the files below `root` whose paths fit a pattern, in any case.

    pattern: a path with wildcards: * and ? stand for anything but a slash, **/ for any folders. Without a wildcard it
    is a folder, whose files count at any depth. endings: which files count where the pattern does not end in one. An
    id is what the wildcards stand for, without the ending, joined by underscores. Links are followed.
    Raises DataError for a missing folder, and for a pattern that no file fits.
    """
    if not WILDCARD.search(pattern):
        pattern = f"{pattern.rstrip('/')}/**/*"
    parts = PurePosixPath(pattern).parts
    fixed = next(k for k, part in enumerate(parts) if WILDCARD.search(part + "/"))
    base = root.joinpath(*parts[:fixed])
    require_folder(base, *endings)
    rest = "/".join(parts[fixed:])
    ending = "|".join(map(re.escape, endings)) if rest.endswith("*") else ""
    expression = re.compile(f"{translated(rest)}(?:{ending})", re.IGNORECASE)
    pairs, left_out = [], dict[str, list[Path]]()
    for path, why_not in walk(base):
        match = expression.fullmatch(path.relative_to(base).as_posix())
        if match and why_not is None:
            words = (group.strip("/").replace("/", "_") for group in match.groups())
            pairs.append((path, "_".join(filter(None, words))))
        elif why_not is not None or is_like_an_image(path):
            left_out.setdefault(why_not or f"not as {rest}", []).append(path)
    if not pairs:
        others = names_of(base, [path for paths in left_out.values() for path in paths])
        expected = f"{rest}{f' with {listed(endings, len(endings))}' if ending else ''}"
        raise DataError(f"{quote(base)}: no file is as {expected}" + (f"; it holds {others}" if others else ""))
    return Listing(base, by_id(pairs), left_out)


def translated(pattern: str) -> str:
    """Turn a pattern into a regular expression, with a group for each wildcard."""
    texts, marks = WILDCARD.split(pattern), WILDCARD.findall(pattern)
    return "".join(re.escape(text) + MEANING.get(mark, "") for text, mark in zip(texts, [*marks, ""], strict=True))


def pair_patterns(images: Listing, labels: Listing, pattern: str) -> Pairs:
    """Pair each image with the label of its id. Raises DataError for images without one."""
    lacking = without_label(images, labels)
    if lacking and not WILDCARD.search(pattern):
        image = images.files[lacking[0]]
        expected = labels.folder / image.relative_to(images.folder).with_suffix(".png")
        hint = in_another_format(labels, expected)
        raise DataError(f"{quote(image)}: has no label; expected {quote(expected)}{hint}{and_more(lacking)}")
    if lacking:
        raise DataError(
            f"{quote(images.files[lacking[0]])}: has no label; where {pattern} has wildcards, a label of it would have "
            f"{quote(lacking[0])}{and_more(lacking)}"
        )
    return Pairs(both(images, labels), "", notes_of(images, labels))
