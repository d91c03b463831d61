"""Rows that name files with unusual names: each row is one row of the listing, and no two outputs share a name."""

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.file_names import folded, safe_stem
from source_folders import items, listed, put_json

NAME = st.sampled_from(
    ["a", "A", "é", "e\u0301", "ß", "SS", "ss", "İ", "i\u0307", "ſ", "ﬁ", "fi", "-a", "..", ".", "a.b", "a b", " a",
     "a ", "a%2Fb", "a*", "~", "a\\b", 'a"b', "a,b", "a\tb", "a\nb", "\x1b[31m", "\u202ea", "\u200b", "\ufeff", "😀",
     "日" * 60, "v" * 240, "a_0_1", "a_0", "a:0-1", "_", "__", "\u0345", "ͅα", "", "a.mp4", "K", "\u212a", "Ω", "\u2126"]
) | st.text(max_size=4)  # fmt: skip
PATH = st.lists(NAME, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".mp4")
ROW = st.fixed_dictionaries({"path": PATH, "id": NAME, "start": st.sampled_from(["0", "0.4"]), "end": st.just("1.5")})


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["path", "id", "start", "end"])
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


TABLES = {"csv": write_csv, "jsonl": write_lines, "parquet": write_parquet}


def create(folder: Path, names: list[str]) -> None:
    """Create those of the files that are below the folder and that this file system can hold."""
    folder.mkdir()
    for name in names:
        if {"", ".", ".."} & {*name.split("/")}:
            continue
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except (OSError, ValueError):
            continue


def check_rows(rows: list[Any], expected: int) -> None:
    assert len(rows) == expected
    assert [key for key, count in Counter(row.key for row in rows).items() if count > 1] == []
    names = [row.fields["name"] for row in items(rows)]
    assert [name for name, count in Counter(map(folded, names)).items() if count > 1] == []
    assert all(safe_stem(name) == name for name in names)


@pytest.mark.parametrize("kind", TABLES)
@given(st.lists(ROW, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_every_row_of_a_table_is_one_row_with_a_name_of_its_own(
    kind: str, rows: list[dict[str, str]], by_id: bool, spans: bool
) -> None:
    columns = {"path": "path"} | ({"id": "id"} if by_id else {}) | ({"start": "start", "end": "end"} if spans else {})
    with tempfile.TemporaryDirectory() as root:
        create(Path(root, "videos"), [row["path"] for row in rows])
        table = Path(root, f"rows.{kind}")
        TABLES[kind](table, rows)
        check_rows(listed("table", uri=table, base=Path(root, "videos"), columns=columns), len(rows))


@given(st.lists(ROW, min_size=1, max_size=8))
def test_every_pair_and_every_caption_is_one_row_with_a_name_of_its_own(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        videos = Path(root, "videos")
        create(videos, [row["path"] for row in rows])
        pairs = [{"vid": row["id"], "clip_path": row["path"], "transcript": "x"} for row in rows]
        captions = [{"video": row["path"], "caption": "x"} for row in rows]
        check_rows(listed("pairs", uri=put_json(Path(root, "pairs.json"), pairs), clips=videos), len(rows))
        uri = put_json(Path(root, "captions.json"), captions)
        check_rows(listed("captions", uri=uri, videos=videos, dataset="hdvila"), len(rows))
