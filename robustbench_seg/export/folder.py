"""Read and write an export's folder: its manifests, its checksums, and which of its files exist."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from ..datasets.cityscapes import MANIFEST, read_manifest
from ..errors import MachineError, StoreError
from ..files import write_json, write_text
from ..store.cell import Condition
from .estimate import Estimate
from .spec import Export

__all__ = [
    "check_folder",
    "check_sources",
    "has_files",
    "has_image",
    "is_complete",
    "is_there",
    "read_checksums",
    "require_room",
    "write_checksums",
    "write_manifests",
]

CHECKSUMS = "sha256sums.txt"
SOURCE = "corruption_source"  # in the manifest of a tree of a user's own corruption
# Two exports may share a folder if these fields are equal. The manifest's other fields follow from them or are notes.
IDENTITY = ("schema_version", "dataset", "split", "images", "fingerprint", "seed", "engine_version", "format")


def check_folder(out: Path, manifest: dict[str, Any]) -> None:
    """Raise StoreError, with the differences, unless `out` is new, empty or holds an export of the same identity."""
    if not out.exists():
        return
    if not out.is_dir():
        raise StoreError(f"{out}: is not a folder; choose a new or an empty --out")
    existing = read_manifest(out)
    if existing is None:
        strange = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")), None)
        if strange is not None:
            raise StoreError(f"{out}: holds {strange} and no manifest of an export; choose a new or an empty --out")
        return
    differing = [
        f"{name} {existing.get(name)!r} there, {manifest[name]!r} asked for"
        for name in IDENTITY
        if existing.get(name) != manifest[name]
    ]
    if differing:
        raise StoreError(f"{out}: holds another export ({'; '.join(differing)}); choose another --out")


def check_sources(export: Export, sources: Mapping[str, str]) -> None:
    """Raise StoreError if a user's own corruption was edited after its tree was written. sources: by corruption."""
    for condition in export.conditions:
        tree = export.tree(condition)
        existing = read_manifest(tree)
        if existing is not None and existing.get(SOURCE, "") != sources[condition.corruption]:
            raise StoreError(
                f"{tree}: holds images of another source of {condition.corruption}; remove it or choose another --out"
            )


def require_room(out: Path, rest: Estimate) -> None:
    """Raise MachineError, with the numbers, if the disk has too little free space for the remaining files."""
    free = shutil.disk_usage(out).free
    if rest.room > free:
        raise MachineError(
            f"{out}: {rest}, {decimal(rest.room)} with a margin, but its disk has {decimal(free)} free; "
            "choose fewer --corruptions or --severities, a --limit, --format webp or another disk"
        )


def write_manifests(
    export: Export, manifest: dict[str, Any], conditions: Iterable[Condition], sources: Mapping[str, str]
) -> None:
    """Write the missing manifests: the folder's, and each tree's, which also names the tree's condition."""
    contents = {export.out: manifest}
    for condition in conditions:
        source = sources[condition.corruption]
        condition_fields = {"corruption": condition.corruption, "severity": condition.severity}
        contents[export.tree(condition)] = manifest | condition_fields | ({SOURCE: source} if source else {})
    for folder, content in contents.items():
        if read_manifest(folder) is None:
            write_json(folder / MANIFEST, content)


def write_checksums(tree: Path, checksums: dict[str, str]) -> None:
    """Write the sha256 of each file of a tree, by its path in the tree. This is the tree's last file."""
    write_text(tree / CHECKSUMS, "".join(checksum_line(checksums[name], name) for name in sorted(checksums)))


def checksum_line(sha256: str, name: str) -> str:
    """Format a line as `sha256sum` does: a leading backslash marks a name with escapes."""
    text = name.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r")
    return ("\\" if text != name else "") + f"{sha256}  {text}\n"


def read_checksums(tree: Path) -> dict[str, str]:
    """Read the sha256 of each file of a tree, by its path in the tree; none where there are no checksums yet."""
    try:
        text = (tree / CHECKSUMS).read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    lines = text.removesuffix("\n").split("\n")  # names may contain other line breaks
    return {name_in(line): line.removeprefix("\\").partition("  ")[0] for line in lines}


def name_in(line: str) -> str:
    """Return the name in a line of `checksum_line`."""
    name = line.partition("  ")[2]
    if not line.startswith("\\"):
        return name
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), name)


def is_complete(export: Export, condition: Condition) -> bool:
    """Whether a condition's tree has its manifest, each of its files, and a checksum of each."""
    tree = export.tree(condition)
    if read_manifest(tree) is None:
        return False
    files = {path.as_posix() for image_id in export.ids for path in export.paths(image_id)}
    return files <= read_checksums(tree).keys() and all(is_there(tree / name) for name in files)


def has_files(export: Export, condition: Condition, image_id: str) -> bool:
    """Whether an image and its label exist. They are complete, because they are written atomically."""
    return all(is_there(export.tree(condition) / path) for path in export.paths(image_id))


def has_image(export: Export, condition: Condition, image_id: str) -> bool:
    """Whether an image exists, with or without its label."""
    return is_there(export.tree(condition) / export.paths(image_id)[0])


def is_there(path: Path) -> bool:
    """Whether a file exists and is not empty; no file of an export is empty."""
    return path.is_file() and path.stat().st_size > 0
