"""Lines of CSV and TSV: what a quote means, and that a bad line costs its row and no other."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine
from reelmill_stages.sources.tables.info_csv import files_by_id
from reelmill_stages.sources.tables.separated import MAX_CELL, Quoting, records
from source_folders import items, listed, put, reasons


def rows(text: str | bytes, separator: str = ",", quoting: Quoting = "standard") -> list[list[str] | int]:
    """The cells of each record, and the number of each bad line."""
    data = text if isinstance(text, bytes) else text.encode()
    return [one.line if isinstance(one, BadLine) else one.cells for one in records(data, separator, quoting)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, *(f"{name}.mp4" for name in "abcde"))


def table(folder: Path, content: str | bytes, name: str = "t.csv", **params: Any) -> list[Any]:
    put(folder, name, content=content if isinstance(content, bytes) else content.encode())
    return listed("table", uri=folder / name, columns={"text": "text"}, **params)


def texts(found: list[Any]) -> dict[str, str]:
    return {item.fields["vid"]: item.fields["text"] for item in items(found)}


BAD = {
    "a quote that nothing closes": (b'b.mp4,"open', "line 3: a quote opens a cell that is not closed"),
    "text behind a closing quote": (b'b.mp4,"Hi" she said', "line 3: text follows the quote that closes a cell"),
    "too many cells": (b"b.mp4,one, two", "line 3: 1 more cells than columns: is a text with commas unquoted?"),
    "too few cells": (b"b.mp4", "line 3: the caption is null, not text"),
    "not UTF-8": (b"b.mp4,caf\xe9", "line 3: it is not UTF-8"),
    "an endless cell": (b"b.mp4," + b"x" * (MAX_CELL + 1), "line 3: a cell has more than 1048576 characters"),
    "an endless quoted cell": (b'b.mp4,"' + b"x" * (MAX_CELL + 1) + b'"', "line 3: a cell has more than"),
    "no path": (b",text", "line 3: the path is '', not text"),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_bad_line_is_one_failed_row_with_its_number_and_its_neighbours_are_read(folder: Path, kind: str) -> None:
    line, words = BAD[kind]
    lines = [b"path,text", b"a.mp4,first", line, b'c.mp4,"third, here"', b"d.mp4,fourth", b'e.mp4,"fifth"']
    found = table(folder, b"\n".join(lines))
    assert texts(found) == {"a": "first", "c": "third, here", "d": "fourth", "e": "fifth"}
    (bad,) = (row for row in found if row.problem)
    assert bad.problem[1].startswith(words)


def test_a_line_of_131072_characters_and_more_is_read(folder: Path) -> None:
    assert texts(table(folder, f"path,text\na.mp4,{'x' * 200_000}\nb.mp4,fine"))["a"] == "x" * 200_000


def test_a_bad_row_keeps_its_key_when_lines_come_before_it(folder: Path) -> None:
    (one,) = (row.key for row in table(folder, 'path,text\nb.mp4,"open') if row.problem)
    (two,) = (row.key for row in table(folder, 'path,text\na.mp4,new\nb.mp4,"open') if row.problem)
    assert one == two


CELLS = {
    "he said": ('a.mp4\tHe said "no" twice', 'He said "no" twice'),
    "inches": ('a.mp4\t5" tall', '5" tall'),
    "a quote at the beginning": ('a.mp4\t"Hi" she said', '"Hi" she said'),
    "an open quote": ('a.mp4\t"open', '"open'),
    "a whole cell": ('a.mp4\t"a ""b"" c"', 'a "b" c'),
    "a tab in a whole cell": ('a.mp4\t"a\tb"', "a\tb"),
    "commas": ("a.mp4\tone, two", "one, two"),
    "an apostrophe": ("a.mp4\tit's", "it's"),
}


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_in_tsv_quotes_are_text_unless_they_hold_the_whole_cell(folder: Path, kind: str) -> None:
    line, text = CELLS[kind]
    found = table(folder, f'path\ttext\n{line}\nb.mp4\tfine\nc.mp4\talso "fine"\n', "t.tsv")
    assert reasons(found) == []
    assert texts(found) == {"a": text, "b": "fine", "c": 'also "fine"'}


def test_the_rule_of_quotes_can_be_named(folder: Path) -> None:
    standard = 'path\ttext\na.mp4\t"two\nlines"\nb.mp4\tfine\n'
    assert texts(table(folder, standard, "t.tsv", quoting="standard")) == {"a": "two\nlines", "b": "fine"}
    plain = 'path,text\na.mp4,"whole"\nb.mp4,"open\nc.mp4,5"\n'
    assert texts(table(folder, plain, quoting="none")) == {"a": '"whole"', "b": '"open', "c": '5"'}
    assert texts(table(folder, plain, quoting="cell")) == {"a": "whole", "b": '"open', "c": '5"'}


def test_a_quoted_cell_runs_over_lines_as_far_as_it_makes_a_row_of_the_table() -> None:
    assert rows('p,t\na,"one\r\ntwo"\nb,x\n') == [["p", "t"], ["a", "one\r\ntwo"], ["b", "x"]]
    assert rows('p,t\na,"one\nb,x\nc,y",z\n') == [["p", "t"], 2, ["b", "x"], ["c", 'y"', "z"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system_and_empty_ones_are_left_out(end: str) -> None:
    text = end.join(["\ufeffp,t", "a,x", "", 'b,"y', 'z"', "", ""])
    assert rows(text) == [["p", "t"], ["a", "x"], ["b", f"y{end}z"]]


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_a_column_that_comes_twice_is_refused(folder: Path, format_: str) -> None:
    separator = "," if format_ == "csv" else "\t"
    with pytest.raises(SpecError, match="column 'text' appears twice") as caught:
        table(folder, separator.join(["path", "text", " text"]) + "\n", f"t.{format_}")
    assert caught.value.where.endswith(f"t.{format_}:1")


def test_many_columns_are_read_in_one_go(folder: Path) -> None:
    names = [f"column{number}" for number in range(100_000)]
    cells = [f'"{number}"' for number in range(100_000)]
    found = table(folder, f"path,text,{','.join(names)}\na.mp4,x,{','.join(cells)}\n")
    assert texts(found) == {"a": "x"}
    with pytest.raises(SpecError, match="no column 'text'"):
        table(folder, f"path,{','.join(names)}\na.mp4\n")


CELL = st.text(alphabet='ab",\t\n\r é', max_size=5)


@given(table=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6), separator=st.sampled_from(",\t"))
def test_what_python_writes_as_csv_is_read_back(table: list[list[str]], separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(table)
    assert rows(out.getvalue(), separator) == table


@given(
    before=st.lists(st.sampled_from(["a,x", 'a,"x"', 'a,"x ""y"""', 'a,x "y"']), max_size=5),
    bad=st.sampled_from(['b,"open', 'b,"x"y', 'b,"x"" ']),
    after=st.lists(st.sampled_from(["c,x", 'c,"x"', 'c,"x ""y"""', 'c,x "y" z', 'c,5" x']), max_size=5),
)
def test_an_unbalanced_quote_costs_its_line_wherever_it_stands(before: list[str], bad: str, after: list[str]) -> None:
    found = rows("\n".join(["p,t", *before, bad, *after]))
    assert len(found) == 2 + len(before) + len(after)
    assert [one for one in found if isinstance(one, int)] == [2 + len(before)]


QUOTINGS = st.sampled_from(["standard", "cell", "none"])


@given(data=st.binary(max_size=300), separator=st.sampled_from(",\t"), quoting=QUOTINGS)
def test_any_bytes_are_records_and_bad_lines_in_order(data: bytes, separator: str, quoting: Quoting) -> None:
    numbers = [one.line for one in records(data, separator, quoting)]
    assert numbers == sorted(set(numbers))


def test_a_bad_line_of_info_csv_costs_no_other_video() -> None:
    lines = ["url,filename", "https://youtu.be/aaaaaaaaaaa,a.mp4", 'https://youtu.be/bbbbbbbbbbb,"b.mp4',
             "https://youtu.be/ccccccccccc,c.mp4", 'https://youtu.be/ddddddddddd,say "d".mp4']  # fmt: skip
    found = files_by_id("\n".join(lines).encode(), "info.csv")
    assert found == {"aaaaaaaaaaa": ["a.mp4"], "ccccccccccc": ["c.mp4"], "ddddddddddd": ['say "d".mp4']}


def test_a_column_of_info_csv_that_comes_twice_is_refused_where_it_is_read() -> None:
    assert files_by_id(b"url,filename,n,n\nv=aaaaaaaaaaa,a.mp4,1,2\n", "info.csv") == {"aaaaaaaaaaa": ["a.mp4"]}
    with pytest.raises(SpecError, match="column 'filename' appears twice"):
        files_by_id(b"url,filename,filename\nv=aaaaaaaaaaa,a.mp4,b.mp4\n", "info.csv")
