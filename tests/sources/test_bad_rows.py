"""One bad row of a table, or one bad line of a file, costs itself: the other rows are listed."""

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import SpecError
from reelmill_stages.sources import Listed
from reelmill_stages.sources.tables.column_lookup import BadLine
from reelmill_stages.sources.tables.json_stream import values
from source_folders import items, listed, put, put_json

DEEP = "[" * 200_000 + "]" * 200_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, "a.mp4", "b.mp4")


def one_refused(rows: list[Listed]) -> tuple[str, str]:
    (bad,) = (row for row in rows if row.problem is not None)
    assert [row.fields["vid"] for row in items(rows)] == ["a", "b"]
    assert bad.problem
    return bad.problem


@pytest.mark.parametrize(
    ("path", "reason", "says"),
    [
        ("s3://Bad_Bucket!/x", "bad_path", "Bad_Bucket"),
        ("s3://192.168.0.1/x.mp4", "bad_path", "192.168.0.1"),
        ("s3:///x.mp4", "bad_path", "no bucket"),
        ("az:///x.mp4", "bad_path", "no bucket"),
        ("file://elsewhere/x.mp4", "bad_path", "absolute path"),
        ("az://container/x.mp4", "unreadable", "AZURE_STORAGE_ACCOUNT"),
        ("/nowhere/x.mp4", "missing", "/nowhere/x.mp4"),
        (f"/{'n' * 300}/x.mp4", "unreadable", "too long"),
        (f"/{'n/' * 3000}x.mp4", "unreadable", "longer than"),
    ],
)
@pytest.mark.parametrize("source", ["table", "captions"])
def test_a_row_that_leads_nowhere_is_a_failed_row(folder: Path, source: str, path: str, reason: str, says: str) -> None:
    paths = ["a.mp4", path, "b.mp4"]
    if source == "table":
        rows = listed("table", uri=put_json(folder / "t.json", [{"path": each} for each in paths]))
    else:
        told = [{"video": each, "caption": "said"} for each in paths]
        rows = listed("captions", uri=put_json(folder / "t.json", told), videos=folder, dataset="hdvila")
    found = one_refused(rows)
    assert found[0] == reason
    assert says in found[1]


def test_a_document_whose_image_leads_nowhere_is_a_failed_row(folder: Path) -> None:
    said = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "yes"}]
    told = [{"images": [path], "conversations": said, "id": str(n)} for n, path in enumerate(["a.mp4", "file://x/y"])]
    rows = listed("documents", uri=put_json(folder / "t.json", told), images=folder, dataset="merlin-un")
    assert [row.problem and row.problem[0] for row in rows] == [None, "bad_path"]


BAD_LINES = [
    (DEEP, "nested too deep"),
    ("[" * 50, "not JSON"),
    ('{"path": "x.mp4"', "not JSON"),
    ('{"path": "x.mp4', "not JSON"),
    ('{"path": }', "not JSON"),
    ('{"n": ' + "1" * 5000 + "}", "a number has more than 4300 digits"),
    ("\x00\xff", "not UTF-8"),
    ('{"path": "x"} {"path', "not JSON"),
    ("]", "not JSON"),
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("line", "says"), BAD_LINES, ids=[says for _, says in BAD_LINES])
def test_a_bad_line_of_json_lines_is_a_failed_row(folder: Path, line: str, says: str, place: int) -> None:
    lines = [b'{"path": "a.mp4"}', b'{"path": "b.mp4"}']
    lines.insert(place, line.encode("latin-1"))
    put(folder, "t.jsonl", content=b"\n".join(lines))
    reason, message = one_refused(listed("table", uri=folder / "t.jsonl"))
    assert reason == "bad_row"
    assert message.startswith(f"line {place + 1}: ") or "nested" in says
    assert says in message


def test_a_wrong_row_of_json_lines_has_the_number_of_its_line(folder: Path) -> None:
    put(folder, "t.jsonl", content=b'{"path": "a.mp4"}\n\n{"path": 7}\n{"path": "b.mp4"}\n')
    assert one_refused(listed("table", uri=folder / "t.jsonl")) == ("bad_path", "line 3: the path is 7, not text")


@pytest.mark.parametrize(
    ("row", "shown"), [("null", "null"), ("[1]", "[1]"), ("7", "7"), ('"a.mp4"', "'a.mp4'"), ("true", "True")]
)
def test_a_row_that_is_no_object_is_shown_with_its_line(folder: Path, row: str, shown: str) -> None:
    text = f'{{"path": "a.mp4"}}\n{row}\n{{"path": "b.mp4"}}\n'
    put(folder, "t.jsonl", content=text.encode())
    put(folder, "t.json", content=json.dumps([json.loads(line) for line in text.splitlines()]).encode())
    in_lines, in_array = (list(listed("table", uri=folder / name)) for name in ("t.jsonl", "t.json"))
    assert one_refused(in_lines) == ("bad_row", f"line 2: the row is {shown}, not an object")
    assert one_refused(in_array) == ("bad_row", f"row 2: the row is {shown}, not an object")
    assert [one.key for one in in_lines] == [one.key for one in in_array]


@pytest.mark.parametrize(
    ("element", "reason", "says"),
    [
        ('{"path": "x", "n": ' + "1" * 5000 + "}", "bad_row", "line 2: a number has more than 4300 digits"),
        ("1" * 5000, "bad_row", "line 2: a number has more than 4300 digits"),
        (DEEP, "bad_row", "line 2: nested too deeply"),
        ('{"path": ["]", ' + DEEP + ', "\\""]}', "bad_row", "line 2: nested too deeply"),
        ('{"path": "\xff.mp4"}', "bad_path", "row 2: the path '\\udcff.mp4' contains characters"),
    ],
)
def test_an_element_of_an_array_that_python_cannot_hold_costs_no_other(
    folder: Path, element: str, reason: str, says: str
) -> None:
    text = f'[{{"path": "a.mp4"}},\n{element},\n{{"path": "b.mp4"}}]'
    put(folder, "t.json", content=text.encode("latin-1"))
    found = one_refused(listed("table", uri=folder / "t.json"))
    assert (found[0], found[1][: len(says)]) == (reason, says)


def test_columns_whose_names_are_not_unicode_are_shown_with_escapes(folder: Path) -> None:
    put(folder, "t.json", content=b'[{"\xff": 1, "\\ud800": 2}]')
    with pytest.raises(SpecError, match="no column 'path'") as error:
        listed("table", uri=folder / "t.json")
    assert error.value.hint.endswith(r"existing columns: \udcff, \ud800")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_json_end_as_on_any_system(folder: Path, end: str) -> None:
    lines = ['{"path": "a.mp4"}', "{", "", '{"path": "b.mp4"}']
    put(folder, "t.jsonl", content=end.join(lines).encode())
    reason, message = one_refused(listed("table", uri=folder / "t.jsonl"))
    assert (reason, message.partition(":")[0]) == ("bad_row", "line 2")


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.json", "t.jsonl", "t.txt"])
@pytest.mark.parametrize(
    ("encoded", "what"),
    [
        (lambda text: text.encode("utf-16"), "UTF-16 text"),
        (lambda text: text.encode("utf-16-be"), "UTF-16 text"),
        (lambda text: text.encode("utf-16-le"), "UTF-16 text"),
        (lambda text: text.encode("utf-32"), "UTF-32 text"),
        (lambda text: gzip.compress(text.encode()), "compressed with gzip"),
        (lambda text: bz2.compress(text.encode()), "compressed with bzip2"),
        (lambda text: b"PK\x03\x04" + text.encode(), "a zip archive"),
    ],
)
def test_a_table_that_is_no_utf8_text_is_refused_as_what_it_is(
    folder: Path, name: str, encoded: Callable[[str], bytes], what: str
) -> None:
    put(folder, name, content=encoded('{"path": "a.mp4"}\n'))
    with pytest.raises(SpecError, match=rf"the file is {what}, not UTF-8 text"):
        listed("table", uri=folder / name)


@pytest.mark.parametrize("name", ["BZh7.mp4", "PAR1/a.mp4", "PK.mp4"])
def test_a_list_of_files_may_begin_with_the_letters_of_another_format(folder: Path, name: str) -> None:
    put(folder, "t.txt", content=f"{name}\n".encode())
    put(folder, name)
    assert not any(one.problem for one in listed("table", uri=folder / "t.txt"))


@pytest.mark.parametrize("source", ["clip4mc", "pairs", "captions"])
def test_other_sources_keep_the_lines_beside_a_bad_one(folder: Path, source: str) -> None:
    rows: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "clip4mc": ({"vid": "a", "transcript": "t", "begin": 0, "end": 1}, {"videos": folder, "metadata": ""}),
        "pairs": ({"vid": "a", "clip_path": "a.mp4", "transcript": "t"}, {"clips": folder, "uri": ""}),
        "captions": ({"video": "a.mp4", "caption": "t"}, {"videos": folder, "uri": "", "dataset": "hdvila"}),
    }
    row, params = rows[source]
    put(folder, "t.ndjson", content=f"{{broken\n{json.dumps(row)}\n".encode())
    found = listed(source, **{name: value or folder / "t.ndjson" for name, value in params.items()})
    assert sorted(one.problem[0] if one.problem else "" for one in found) == ["", "bad_row"]


def test_what_was_read_before_is_read_still(folder: Path) -> None:
    """Files that are called JSON lines, but hold an array, or values of several lines."""
    rows = [{"path": "a.mp4"}, {"path": "b.mp4"}]
    for text in (
        json.dumps(rows),
        json.dumps(rows, indent=2),
        "\n".join(json.dumps(row, indent=1) for row in rows),
        "\n\n".join(map(json.dumps, rows)),
        " ".join(map(json.dumps, rows)),
    ):
        put(folder, "t.jsonl", content=text.encode("utf-8-sig"))
        assert [row.fields["vid"] for row in listed("table", uri=folder / "t.jsonl")] == ["a", "b"], text


def test_the_key_of_a_bad_line_does_not_depend_on_its_place(folder: Path) -> None:
    def key(text: str) -> str:
        put(folder, "t.jsonl", content=text.encode())
        return next(row.key for row in listed("table", uri=folder / "t.jsonl") if row.problem)

    assert key('{"path": \n{"path": "a.mp4"}') == key('{"path": "a.mp4"}\n{"path": ')


LINES = st.one_of(
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3).map(json.dumps),
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20),
)


@given(st.lists(LINES, max_size=8))
def test_each_line_is_read_as_if_it_stood_alone(lines: list[str]) -> None:
    alone = [list(values(line.encode("latin-1") + b"\n", "one.jsonl")) for line in [*lines, '{"last": 1}']]
    data = b"".join(line.encode("latin-1") + b"\n" for line in [*lines, '{"last": 1}'])
    text = [[told.text if isinstance(told, BadLine) else told for told in each] for each in alone]
    if len(alone[0]) and not isinstance(alone[0][0], list):
        found = [told.text if isinstance(told, BadLine) else told for told in values(data, "all.jsonl")]
        assert json.dumps(found) == json.dumps([told for each in text for told in each])
