"""mlcroissant opens the description of an export, and its records say what our own reader says of the data set."""

import hashlib
import json
import shutil
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import reelmill
from dataset_card.films import films
from dataset_card.test_card import carded, items
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.dataset_card.columns import FieldTypes, columns
from reelmill_stages.dataset_card.croissant import DescribedFile, Heading, croissant, item_ids
from reelmill_stages.dataset_card.export_files import ExportSeen, files_of
from reelmill_stages.dataset_card.tables import write_files, write_items
from trainers.environments import seen_by
from trainers.folders import unchanged_by
from trainers.snippets import said_by


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return films(tmp_path_factory.mktemp("films") / "here").parent


def opened(folder: Path) -> dict[str, list[dict[str, Any]]]:
    with unchanged_by(folder):
        seen = seen_by("croissant", folder / "croissant.json")
    assert seen["version"] == "http://mlcommons.org/croissant/1.1"
    records: dict[str, list[dict[str, Any]]] = seen["records"]
    return records


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("stage", ["clips", "keep"])
def test_017_f01_records_are_the_items_of_the_store_and_contents_have_their_digests(place: Path, stage: str) -> None:
    folder, made = carded(place, stage), items(place, stage)
    records = opened(folder)
    assert [json.loads(row["row"]) for row in records["items"]] == [one.to_json() for one in made]
    assert [row["place"] for row in records["items"]] == [one.fields["place"] for one in made]
    assert [row["duration"] for row in records["items"]] == [one.fields["duration"] for one in made]
    contents = {row["item"]: row for row in records["contents-mp4"]}
    assert contents.keys() == {one.key for one in made}
    for one in made:
        assert one.media is not None
        row = contents[one.key]
        assert f"sha256:{row['content']}" == f"sha256:{row['sha256']}" == one.media.digest
        assert sha256(folder / row["path"]) == row["content"]


def test_017_f02_members_of_tars_are_records(place: Path) -> None:
    folder = carded(place, "tars")
    records = opened(folder)
    members = {}
    for path in folder.rglob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                members[member.name] = hashlib.sha256(file.read()).hexdigest()
    found = {row["path"]: row["content"] for name in ("members-mp4", "members-json") for row in records[name]}
    assert found == members


def test_a_copy_elsewhere_opens_too_and_a_changed_tar_is_found(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(carded(place, "tars"), folder)
    assert opened(folder)["files"]
    tar = next(folder.rglob("*.tar"))
    tar.write_bytes(tar.read_bytes()[:-1] + b"x")
    with pytest.raises(AssertionError, match="Hash of downloaded file"):
        opened(folder)


def test_the_snippet_of_the_page_shows_keys_and_paths(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(carded(place, "clips"), folder)
    paths = {one.key: one.media.uri.split("/", 2)[2] for one in items(place, "clips") if one.media}
    assert said_by("croissant", "croissant", folder, "dataset-card.md") == [f"{key} {paths[key]}" for key in paths]


def test_017_f03_hugging_face_loads_what_it_loaded_before_there_was_a_card(place: Path) -> None:
    folder = carded(place, "rows")
    seen = seen_by("huggingface", folder, "download", reader="parquet")
    ((*rows,),) = seen["rows"]
    keep = items(place, "keep")
    assert [row["text"] for row in rows] == [one.fields["text"] for one in keep]
    assert [row["video"] for row in rows] == [one.media.digest.removeprefix("sha256:") for one in keep if one.media]


def test_a_card_without_an_export_has_records_of_the_tables(place: Path, tmp_path: Path) -> None:
    said = reelmill("card", place / "pipeline.yaml", "keep", tmp_path / "card")
    assert said.code == 0, said.err
    records = opened(tmp_path / "card")
    assert [len(records[name]) for name in ("items", "files")] == [len(items(place, "keep"))] * 2


NAMES = [
    "begin position", "a#b", "a?b", "a/b", "a:b", "@type", "", "a%20b", "<x>", '"q"', "a\\b", "http://x/y", "a\nb",
    "index", "level_0", "content", "filename", "fullpath", "lines", "名", "items/key",
]  # fmt: skip


def test_any_names_of_fields_and_files_are_described(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    made = []
    for number, name in enumerate(["0001/a b.txt", "0001/名.TXT", "0001/x#[y].txt", "0001/p%20q.txt", "top [1].txt"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
        media = Media(name, 1, digest=f"sha256:{sha256(path)}")
        made.append(Item(f"{number:03d}", number, "g", 1.0, media, fields=dict.fromkeys(NAMES, number)))
    types = FieldTypes()
    seen = ExportSeen(folder, {})
    for one in made:
        types.add(one)
        assert one.media is not None
        seen.add(one.media.uri)
    found = columns(types, lambda one: one.media.uri if one.media else "")
    write_items(folder / "items.parquet", made, found)
    write_files(folder / "files.parquet", made, partial(files_of, "elsewhere"))
    tables = [DescribedFile(name, 1, sha256(folder / name)) for name in ("items.parquet", "files.parquet")]
    heading = Heading("any", "names", "1.0.0", "2026-01-01", ())
    (folder / "croissant.json").write_text(croissant(heading, tables, found, seen.contents()), encoding="utf-8")
    records = opened(folder)
    names = dict(zip((column.name for column in found), item_ids(found), strict=True))
    for row, one in zip(records["items"], made, strict=True):
        assert json.loads(row["row"]) == one.to_json()
        for name in set(NAMES) - {"", "level_0"}:
            assert row[names[name].removeprefix("items/")] == one.ordinal
    assert {row["item"]: row["content"] for row in records["contents-txt"]} == {
        one.key: one.media.digest.removeprefix("sha256:") for one in made if one.media
    }
