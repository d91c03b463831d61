"""Reading tars in large steps, and names and numbers in headers, beside what they are to be equal to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webdataset.tariterators import base_plus_ext

from pack.foreign_tars import TRAILER, header, padded
from reelmill_stages.tar.buffered_reads import BufferedReads
from reelmill_stages.tar.samples import split
from reelmill_stages.tar.walk import BadTar, walk

TOTAL = 300_000
READS = st.lists(st.tuples(st.integers(0, 100_000) | st.integers(0, 600), st.integers(0, TOTAL + 600)), max_size=20)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reads") / "a"
    path.write_bytes(b"".join(b"%07d\n" % number for number in range(TOTAL // 8)))
    return path


@given(reads=READS)
def test_reads_of_any_size_and_order_are_slices_of_the_file(file: Path, reads: list[tuple[int, int]]) -> None:
    data = file.read_bytes()
    with BufferedReads(file) as ahead:
        assert ahead.total == TOTAL
        for size, position in reads:
            assert ahead(size, position) == data[position : position + size]


@given(name=st.text("aZ./_\n", max_size=8) | st.text(max_size=8))
def test_names_are_divided_as_by_webdataset(name: str) -> None:
    base, extension = base_plus_ext(name)
    assert split(name) == (None if base is None else (base, extension))


@pytest.mark.parametrize("size", [b"+7", b"-7", b"0o7", b"1_0", b"8", b"1 7", b"\xd9\xa1"])
def test_a_size_that_only_pythons_int_would_take_is_no_size(tmp_path: Path, size: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(b"a.json", size) + padded(b"{}") + TRAILER)
    with pytest.raises(BadTar, match="no valid size"):
        list(walk(path))
