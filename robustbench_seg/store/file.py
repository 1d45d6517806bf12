"""A finished cell as a Parquet file: written whole, with a digest; read whole, and checked.

Each page has a checksum that any reader of Parquet can verify. The metadata holds the record, and a digest of the
record and all values. Files of schema versions 1 and 2 have neither checksums nor a digest.
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
from .columns import Arrays, add_names, counted_columns
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
NULL_LISTS = "Expected all lists to be of size"  # pyarrow's error, before 26, for null in a column of such lists
FOLDERS = {"quality": "cells", "latency": "latency"}


@dataclass(frozen=True, eq=False)
class StoredCell:
    """A file that was read and checked. arrays: its `filled_columns`. hashes: of each array, by name."""

    path: Path
    record: Record
    arrays: Arrays
    hashes: Mapping[str, str]

    def truth(self) -> str:
        """Hash the image ids, sizes and labelled pixels: equal for all models on the same data."""
        return digest([self.hashes[name] for name in ("image_id", "height", "width", "labelled")])

    def content(self) -> str:
        """Hash the counts of mIoU of each image."""
        return digest([self.hashes[name] for name in ("image_id", *MIOU.columns)])


def write_cell(folder: Path, record: Record, table: pa.Table) -> None:
    """Write a cell's file into a store's folder. Raises StoreError, and writes nothing, if a reader would reject it."""
    path = folder.joinpath(*place_of(record))
    text = record.to_json().encode()
    arrays = expect_whole(Record.from_dict(parse_json(text, str(path)), str(path)), table, str(path))
    table = table.replace_schema_metadata({RECORD: text, DIGEST: digest_of(text, hashes_of(arrays))})
    with replacing(path) as temporary, temporary.open("wb") as file:  # pyarrow can't open a path that is not UTF-8
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=9,  # of counts, 19 saves nothing and takes nine times as long
            # Counts rarely repeat, so a dictionary would be longer than the counts.
            use_dictionary=[field.name for field in table.schema if not pa.types.is_nested(field.type)],
            write_statistics=False,  # no checksum covers them, and a reader with damaged ones would skip rows
            write_page_checksum=True,
        )


def bring_up_to_date(path: Path) -> bool:
    """Rewrite a file of an earlier schema version in this one: more columns; counts, key and name do not change.

    Returns False, and writes nothing, if another process has done so meanwhile.
    """
    record = read_record(path)
    if record.schema_version == SCHEMA_VERSION:
        return False
    record = replace(record, schema_version=SCHEMA_VERSION)
    counted = parse_parquet(content_of(path), str(path), list(counted_columns(record)))
    write_cell(path.parents[1], record, add_names(record, counted))
    return True


def read_cell(path: Path) -> StoredCell:
    """Read a file, and check it against its digest, its record, its name and the rules of `expect_whole`.

    Raises DamagedError for a file that fails a check, StoreError for a missing file and for a later program's file.
    """
    content, where = content_of(path), str(path)
    try:
        table = parse_parquet(content, where)
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
            raise StoreError(f"{where}: was changed after it was written (its digest differs)")
        if path.parts[-2:] != place_of(record):
            raise StoreError(f"{where}: has the content of {'/'.join(place_of(record))}")
    except StoreError as error:
        raise DamagedError(str(error)) from None
    return StoredCell(path, record, arrays, hashes)


def read_record(path: Path) -> Record:
    """Read the record of a finished cell; raises as `read_cell`."""
    return read_cell(path).record


def place_of(record: Record) -> tuple[str, str]:
    """Return the folder and the file name of a cell."""
    return FOLDERS[record.kind], file_name(record.cell.slug, record.key)


def file_name(slug: str, key: str) -> str:
    """Return the name of a cell's file."""
    return f"{slug}-{key}.parquet"


def content_of(path: Path) -> bytes:
    """Read a file. Raises StoreError if it can't be read."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe could wait for ever
            raise StoreError(f"{path}: is not a file; remove it")
        with path.open("rb") as file:
            return file.read()
    except OSError as error:
        raise StoreError(f"{path}: can't be read ({error.strerror})") from None


def parse_parquet(content: bytes, where: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Parse Parquet, and verify the checksums of its pages. Raises StoreError for other or damaged content."""
    if not content:
        raise StoreError(f"{where}: not a whole Parquet file (it is empty)")
    try:
        with pq.ParquetFile(
            pa.BufferReader(content),
            page_checksum_verification=True,
            thrift_string_size_limit=len(content),
            thrift_container_size_limit=len(content),
        ) as file:
            table = read_table(file, columns)
            table.validate(full=True)
            return table
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        text = " ".join(str(error).split())
        raise StoreError(f"{where}: not a whole Parquet file ({text:.200})") from None


def read_table(file: pq.ParquetFile, columns: Sequence[str] | None) -> pa.Table:
    """Read columns; all for None.

    pyarrow before 26 can't read null in a column of lists of one size, as of a metric that was off. There such a column
    is null as a whole, and `expect_whole` refuses it where it has to have values.
    """
    names = None if columns is None else list(columns)
    # No threads: an Arrow thread that frees a Python object at the interpreter's exit aborts the process.
    try:
        return file.read(columns=names, use_threads=False)
    except pa.ArrowInvalid as error:
        if NULL_LISTS not in str(error):
            raise
    schema = file.schema_arrow
    fields = [field for field in schema if names is None or field.name in names]
    arrays = [column_or_nulls(file, field) for field in fields]
    return pa.table(arrays, schema=pa.schema(fields, metadata=schema.metadata))


def column_or_nulls(file: pq.ParquetFile, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    try:
        return file.read(columns=[field.name], use_threads=False).column(0)
    except pa.ArrowInvalid as error:
        if NULL_LISTS not in str(error):
            raise
        return pa.nulls(file.metadata.num_rows, field.type)


def hashes_of(arrays: Arrays) -> dict[str, str]:
    """Hash the values of each column, by name."""
    hashes = {}
    for name, values in arrays.items():
        content = canonical_json(values.tolist()).encode() if values.dtype == object else values.tobytes()
        hashes[name] = hashlib.blake2b(content, digest_size=16).hexdigest()
    return hashes


def digest_of(record: bytes, hashes: Mapping[str, str]) -> bytes:
    """Hash a file's record and columns, except the columns of metrics that were off."""
    return hashlib.blake2b(record + canonical_json(hashes).encode(), digest_size=16).hexdigest().encode()
