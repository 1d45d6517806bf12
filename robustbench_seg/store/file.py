"""One finished cell as a Parquet file: written whole and with a digest, read whole and checked, once a report.

Each page has a checksum, which any reader of Parquet can verify; the digest, of the record and all values, is in the
metadata beside the record. Files of schema versions 1 and 2 have neither.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DamagedError, StoreError
from ..files import canonical_json, digest, replacing
from ..metrics import MIOU
from .checks import expect_whole
from .columns import Arrays, counted_columns, named
from .record import SCHEMA_VERSION, Record, expect_readable
from .strict_json import parse_json

__all__ = [
    "FOLDERS",
    "StoredCell",
    "bring_up_to_date",
    "file_name",
    "read_cell",
    "read_record",
    "write_cell",
]

RECORD, DIGEST = b"robustbench_seg", b"robustbench_seg_digest"  # keys of the metadata
FOLDERS = {"quality": "cells", "latency": "latency"}


@dataclass(frozen=True, eq=False)
class StoredCell:
    """A file that was read and checked. arrays: its `filled_columns`; hashes: of each of them."""

    path: Path
    record: Record
    arrays: Arrays
    hashes: Mapping[str, str]

    def truth(self) -> str:
        """Hash the images, their sizes and what is labelled in them: the same for all models of the same data."""
        return digest([self.hashes[name] for name in ("image_id", "height", "width", "labelled")])

    def content(self) -> str:
        """Hash what mIoU is made of, image by image."""
        return digest([self.hashes[name] for name in ("image_id", *MIOU.columns)])


def write_cell(folder: Path, record: Record, table: pa.Table) -> None:
    """Write a cell's file into a store's folder. Raises StoreError for what would not be read: it is never stored."""
    path = folder.joinpath(*place_of(record))
    text = record.to_json().encode()
    arrays = expect_whole(Record.from_dict(parse_json(text, str(path)), str(path)), table, str(path))
    table = table.replace_schema_metadata({RECORD: text, DIGEST: digest_of(text, hashes_of(arrays))})
    with replacing(path) as temporary, temporary.open("wb") as file:  # pyarrow can't open a path that is not UTF-8
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=19,
            # Counts hardly repeat, so a dictionary of them is longer than they are.
            use_dictionary=[field.name for field in table.schema if not pa.types.is_nested(field.type)],
            write_statistics=False,  # nothing checks them, and by damaged ones a reader would skip rows
            write_page_checksum=True,
        )


def bring_up_to_date(path: Path) -> None:
    """Write a file of an earlier schema version as this one would be: more columns, the same counts, key and name."""
    record = replace(read_record(path), schema_version=SCHEMA_VERSION)
    counted = parsed(content_of(path), str(path), list(counted_columns(record)))
    write_cell(path.parents[1], record, named(record, counted))


def read_cell(path: Path) -> StoredCell:
    """Read a file and check it: against its digest, its record and its name, and what holds of all counts.

    Raises DamagedError for what does not hold, StoreError for a file that is not there, or of a later program.
    """
    content, where = content_of(path), str(path)
    try:
        table = parsed(content, where)
        metadata = table.schema.metadata or {}
        if RECORD not in metadata:
            raise StoreError(f"{where}: not a cell of this program (no {RECORD.decode()!r} in its metadata)")
        value = parse_json(metadata[RECORD], where)
    except StoreError as error:
        raise DamagedError(str(error)) from None
    expect_readable(value, where)
    try:
        record = Record.from_dict(value, where)
        arrays = expect_whole(record, table, where)
        hashes = hashes_of(arrays)
        if record.schema_version > 2 and metadata.get(DIGEST) != digest_of(metadata[RECORD], hashes):
            raise StoreError(f"{where}: is not as it was written (its digest says so)")
        if path.parts[-2:] != place_of(record):
            raise StoreError(f"{where}: holds what belongs into {'/'.join(place_of(record))}")
    except StoreError as error:
        raise DamagedError(str(error)) from None
    return StoredCell(path, record, arrays, hashes)


def read_record(path: Path) -> Record:
    """Read the record of a finished cell; raises as `read_cell`."""
    return read_cell(path).record


def place_of(record: Record) -> tuple[str, str]:
    """Name the folder and the file of a cell."""
    return FOLDERS[record.kind], file_name(record.cell.slug, record.key)


def file_name(slug: str, key: str) -> str:
    """Name a cell's file."""
    return f"{slug}-{key}.parquet"


def content_of(path: Path) -> bytes:
    """Read a file. Raises StoreError for one that can't be read."""
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise StoreError(f"{path}: is no file; remove it")
        with path.open("rb") as file:
            return file.read()
    except OSError as error:
        raise StoreError(f"{path}: can't be read ({error.strerror})") from None


def parsed(content: bytes, where: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Parse Parquet, with the checksums of its pages. Raises StoreError for what is none, or damaged."""
    try:
        with pq.ParquetFile(
            pa.BufferReader(content),
            page_checksum_verification=True,
            thrift_string_size_limit=len(content),
            thrift_container_size_limit=len(content),
        ) as file:
            # In this thread alone: one of Arrow's that frees a Python object while the interpreter ends aborts it.
            table = file.read(columns=None if columns is None else list(columns), use_threads=False)
            table.validate(full=True)
            return table
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        text = " ".join(str(error).split())
        raise StoreError(f"{where}: not a whole Parquet file ({text:.200})") from None


def hashes_of(arrays: Arrays) -> dict[str, str]:
    """Hash the values of each column, by name."""
    found = {}
    for name, values in arrays.items():
        content = canonical_json(values.tolist()).encode() if values.dtype == object else values.tobytes()
        found[name] = hashlib.blake2b(content, digest_size=16).hexdigest()
    return found


def digest_of(record: bytes, hashes: Mapping[str, str]) -> bytes:
    """Hash a file's record and columns; those of metrics that were off are not there."""
    return hashlib.blake2b(record + canonical_json(hashes).encode(), digest_size=16).hexdigest().encode()
