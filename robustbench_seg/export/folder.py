"""What an export's folder holds already: its manifests, and which of its files and trees are there."""

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
    "require_room",
    "write_checksums",
    "write_manifests",
]

CHECKSUMS = "sha256sums.txt"
SOURCE = "corruption_source"  # in the manifest of a tree of a user's own corruption
# What two exports must agree in to share a folder; whatever else the manifest tells follows from it or is for people.
IDENTITY = ("schema_version", "dataset", "split", "images", "fingerprint", "seed", "engine_version", "format")


def check_folder(out: Path, manifest: dict[str, Any]) -> None:
    """Raise StoreError, and say what differs, unless `out` is new, empty or holds an export of the same identity."""
    if not out.exists():
        return
    if not out.is_dir():
        raise StoreError(f"{out}: is not a folder; choose a new or an empty --out")
    found = read_manifest(out)
    if found is None:
        strange = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")), None)
        if strange is not None:
            raise StoreError(f"{out}: holds {strange} and no manifest of an export; choose a new or an empty --out")
        return
    differing = [
        f"{name} {found.get(name)!r} there, {manifest[name]!r} asked for"
        for name in IDENTITY
        if found.get(name) != manifest[name]
    ]
    if differing:
        raise StoreError(f"{out}: holds another export ({'; '.join(differing)}); choose another --out")


def check_sources(export: Export, sources: Mapping[str, str]) -> None:
    """Raise StoreError for a tree of a user's own corruption that was made before an edit. sources: by corruption."""
    for condition in export.conditions:
        tree = export.tree(condition)
        found = read_manifest(tree)
        if found is not None and found.get(SOURCE, "") != sources[condition.corruption]:
            raise StoreError(
                f"{tree}: holds images of another source of {condition.corruption}; remove it or choose another --out"
            )


def require_room(out: Path, rest: Estimate) -> None:
    """Raise MachineError with the numbers where the disk has too little room for the files to come."""
    free = shutil.disk_usage(out).free
    if rest.room > free:
        raise MachineError(
            f"{out}: {rest}, {decimal(rest.room)} with a margin, but its disk has {decimal(free)} free; "
            "choose fewer --corruptions or --severities, a --limit, --format webp or another disk"
        )


def write_manifests(
    export: Export, manifest: dict[str, Any], conditions: Iterable[Condition], sources: Mapping[str, str]
) -> None:
    """Write the manifests that are not there yet: the folder's, and each tree's, which names its condition too."""
    contents = {export.out: manifest}
    for condition in conditions:
        source = sources[condition.corruption]
        named = {"corruption": condition.corruption, "severity": condition.severity}
        contents[export.tree(condition)] = manifest | named | ({SOURCE: source} if source else {})
    for folder, content in contents.items():
        if read_manifest(folder) is None:
            write_json(folder / MANIFEST, content)


def write_checksums(tree: Path, checksums: dict[str, str]) -> None:
    """Write the sha256 of each file of a tree, by its path there; the last of its files."""
    write_text(tree / CHECKSUMS, "".join(checksum_line(checksums[name], name) for name in sorted(checksums)))


def checksum_line(sha256: str, name: str) -> str:
    """Write a line as `sha256sum` does: a backslash in front says that there are some in the name."""
    escaped = name.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r")
    return ("\\" if escaped != name else "") + f"{sha256}  {escaped}\n"


def named_in(line: str) -> str:
    """The name in a line of `checksum_line`."""
    name = line.partition("  ")[2]
    if not line.startswith("\\"):
        return name
    return re.sub(r"\\(.)", lambda escaped: {"n": "\n", "r": "\r"}.get(escaped[1], escaped[1]), name)


def is_complete(tree: Path) -> bool:
    """Whether a tree has its manifest, its checksums and every file that they name."""
    if read_manifest(tree) is None:
        return False
    try:
        lines = (tree / CHECKSUMS).read_bytes().decode().removesuffix("\n").split("\n")  # names may hold other breaks
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return all(is_there(tree / named_in(line)) for line in lines)


def has_files(export: Export, condition: Condition, image_id: str) -> bool:
    """Whether an image and its label are there; if so they are whole, since they came by a rename."""
    return all(is_there(export.tree(condition) / path) for path in export.paths(image_id))


def has_image(export: Export, condition: Condition, image_id: str) -> bool:
    """Whether an image is there, be it without its label."""
    return is_there(export.tree(condition) / export.paths(image_id)[0])


def is_there(path: Path) -> bool:
    """Whether a file is there and not empty, as one of ours never is."""
    return path.is_file() and path.stat().st_size > 0
