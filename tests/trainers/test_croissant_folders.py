"""mlcroissant opens the description of an export, and its records say what our own reader says of the data set."""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import reelmill
from dataset_card.films import films
from dataset_card.test_card import carded, items
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
def test_records_are_the_items_of_the_store_and_contents_have_their_digests(place: Path, stage: str) -> None:
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


def test_members_of_tars_are_records(place: Path) -> None:
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


def test_hugging_face_loads_what_it_loaded_before_there_was_a_card(place: Path) -> None:
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
