"""What a search for forgotten items reads of objects, whole and damaged."""

import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest

from reelmill.contract.records.forgotten import ForgottenNames, tombstone_digest
from reelmill.contract.task import StoreRef
from reelmill_stages.runtime.forget.search.names import DigestNames, Names
from reelmill_stages.runtime.forget.search.texts import UnreadableTexts, reader_of
from reelmill_stages.store.open import open_store

NAME = "private.mp4"


def a_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for number in range(3):
            text = json.dumps({"of": NAME, "pad": "x" * 2000}).encode()
            member = tarfile.TarInfo(f"{number}.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return file.getvalue()


def a_table() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"item": [NAME] + [f"text {n} " * 20 for n in range(5000)]}), file)
    return file.getvalue()


WHOLE = {"a.tar": a_tar(), "z.tar": gzip.compress(a_tar()), "a.parquet": a_table(), "a.pkl": pickle.dumps([NAME, "b"])}


def texts(folder: Path, name: str, data: bytes) -> list[str]:
    (folder / name).write_bytes(data)
    read = reader_of(name)
    assert read is not None
    return list(read(open_store(StoreRef(uri=str(folder)), env={}), name))


@pytest.mark.parametrize("kept_as", ["", ".edited", ".edited-2"])
@pytest.mark.parametrize("name", WHOLE)
def test_the_texts_of_a_whole_object_are_read(name: str, kept_as: str, tmp_path: Path) -> None:
    assert NAME in texts(tmp_path, name + kept_as, WHOLE[name])


@pytest.mark.parametrize("name", WHOLE)
def test_an_object_that_ends_early_is_not_taken_for_one_that_was_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableTexts):
        texts(tmp_path, name, WHOLE[name][: len(WHOLE[name]) // 3])


@pytest.mark.parametrize("name", ["film (1).mp4", "a, b.mp4", "a=b;c.mp4", "it's.mp4", "[old] film.mp4", 'a "b".mp4'])
@pytest.mark.parametrize(
    "line", ["{0},3", '3,"{1}"\n', "<td>{0}</td>", "key\t{0}\t3", "see {0}, please", "{0}", '["x", {2}]']
)
def test_a_name_with_marks_in_it_is_found_in_a_text(name: str, line: str, tmp_path: Path) -> None:
    if line.startswith(("{0},", "<td>")) and {",", ";"} & set(name):
        return  # a cell like this has quotes
    text = line.format(name, name.replace('"', '""'), json.dumps(name))
    names = DigestNames("raw", [names_of_a_record(name)], [])
    form = "a.json" if "[" in line else "a.csv"
    assert any(map(names.mentioned, texts(tmp_path, form, text.encode())))


def names_of_a_record(name: str) -> ForgottenNames:
    given = Names([name])
    digests = tuple(tombstone_digest("raw", each) for each in {*given, *given.phrases})
    lengths = tuple(given.lengths)
    return ForgottenNames(forgotten="", place="", roots=(), items=(), names=digests, words=lengths, files=())


@pytest.mark.parametrize(
    ("path", "root", "is_deleted"),
    [
        ("clips/aa/0001/clips/b_0_1.mp4", "", True),
        ("clips/aa/0001/clips/b_0_1.mp4", "index/bb", True),
        ("0001/clips/b_0_1.mp4", "clips/aa", True),
        ("0001/clips/b_0_1.mp4", "index/bb", False),
        ("0001/clips/b_0_1.mp4", "", True),
        ("/data/2026/exported/0001/clips/b_0_1.mp4", "", True),
        ("0002/clips/b_0_1.mp4", "", False),
        ("b_0_1.mp4", "", False),
        ("/1111" * 200_000 + "/0001/clips/b_0_1.mp4", "", True),
    ],
    ids=lambda value: f"{value}"[-32:],
)
def test_paths_of_deleted_files_are_found_relative_to_their_data_set(path: str, root: str, is_deleted: bool) -> None:
    files = (tombstone_digest("raw", "clips/aa/0001/clips/b_0_1.mp4"),)
    record = names_of_a_record("b.mp4").replace(roots=("clips/aa", "index/bb"), files=files)
    assert DigestNames("raw", [record], []).is_deleted_file(path, root) == is_deleted


def test_a_table_with_a_damaged_page_is_not_taken_for_one_that_was_read(tmp_path: Path) -> None:
    data = bytearray(WHOLE["a.parquet"])
    data[2000:6000] = bytes(byte ^ 0xFF for byte in data[2000:6000])
    with pytest.raises(UnreadableTexts):
        texts(tmp_path, "a.parquet", bytes(data))
