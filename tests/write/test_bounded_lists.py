"""Lists of numbers while a file is written: they count towards row groups, and are not kept as Python's numbers."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from reelmill_stages.stages.write.format import FormatSample, FormatWriter, format_of
from write.desk import block
from write.test_write_lerobot import OPTIONS

MANY = [[float(place) for place in range(1 << 16)]] * 16
"""4 MiB as 32-bit numbers."""


def writer(format_: str, path: Path, kind: str = "vectors") -> FormatWriter:
    width = {"width": 1} if format_ == "lerobot" else {}
    more: Any = {"views": ["front"], "lerobot": OPTIONS} if format_ == "lerobot" else {"media": "none"}
    return format_of(block(format_, columns=[{"field": "a", "type": kind, **width}], **more)).writer(path)


@pytest.mark.parametrize("kind", ["vector", "vectors"])
def test_a_row_group_ends_where_its_lists_have_32_mib(kind: str, tmp_path: Path) -> None:
    made = writer("parquet", tmp_path / "part-0.parquet", kind)
    value = MANY if kind == "vectors" else [number for row in MANY for number in row]
    for number in range(9):
        made.add(FormatSample([f"{number}", value], ()))
    made.finish()
    told = parquet.read_metadata(tmp_path / "part-0.parquet")
    assert [told.row_group(group).num_rows for group in range(told.num_row_groups)] == [8, 1]
    assert parquet.read_table(tmp_path / "part-0.parquet")["a"][8].as_py() == value


@pytest.mark.parametrize("format_", ["parquet", "lance", "lerobot"])
def test_a_writer_keeps_no_python_numbers(format_: str, tmp_path: Path) -> None:
    made = writer(format_, tmp_path / "part-0.json")
    first = ["0", "pick it up"] if format_ == "lerobot" else ["0"]
    made.add(FormatSample([*first, [[1.5]]], (), {"frames": 1}))
    tracemalloc.start()
    try:
        for _ in range(10):
            made.add(FormatSample([*first, [[place + 0.5] for place in range(10_000)]], (), {"frames": 10_000}))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000, "ten samples of 10,000 numbers have 800 kB as pointers alone"
    made.discard()
