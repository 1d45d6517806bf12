"""Bit rot: a flipped bit changes no number without a word, crashes nothing and takes no memory."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from whole import copied

from robustbench_seg.errors import StoreError
from robustbench_seg.store.file import StoredCell, read_cell

FLIPS = 400


def same(one: StoredCell, other: StoredCell) -> bool:
    return (
        one.record == other.record
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)
    )


@pytest.mark.parametrize("pattern", ["cells/m-d-fog-*", "latency/*"])
def test_no_flipped_bit_changes_a_number_without_a_word(whole: Path, tmp_path: Path, pattern: str) -> None:
    path = copied(whole, tmp_path, pattern)
    written, content = read_cell(path), path.read_bytes()
    outcomes: Counter[str] = Counter()
    for bit in np.random.default_rng(0).choice(8 * len(content), FLIPS, replace=False):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            found = read_cell(path)
        except StoreError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        else:
            assert same(found, written), f"bit {bit}"
            outcomes["of nothing that is read"] += 1
    assert outcomes["refused"] > FLIPS / 2


def test_the_pages_of_a_file_have_checksums_that_any_reader_can_verify(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path, "cells/m-d-fog-*")
    place = pq.ParquetFile(path).metadata.row_group(0).column(17).data_page_offset + 60  # beyond the page's header
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)


@pytest.mark.parametrize("pattern", ["cells/m-d-fog-*", "latency/*"])
def test_a_part_of_a_file_is_refused_wherever_it_ends(whole: Path, tmp_path: Path, pattern: str) -> None:
    path = copied(whole, tmp_path, pattern)
    content = path.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 100)):
        path.write_bytes(content[:length])
        with pytest.raises(StoreError, match="not a whole Parquet file"):
            read_cell(path)
