"""`reelmill card`: the README as Hugging Face reads it, and tables and a description that agree with the store."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pyarrow import parquet

from cli.terminal import reelmill
from dataset_card.films import HOSTILE, PIPELINE, films
from reelmill.contract.records.rows import Item
from reelmill.contract.task import StoreRef
from reelmill_stages.records.data_set import open_data_set
from reelmill_stages.store.open import open_store

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline

WRITTEN = ["items.parquet", "files.parquet", "lineage.parquet", "croissant.json", "README.md"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pipeline file."""
    return films(tmp_path_factory.mktemp("films") / "here").parent


@pytest.fixture(scope="module")
def card(place: Path) -> Path:
    """The folder of a card beside an export of the stage `clips`."""
    return carded(place, "clips")


def carded(place: Path, stage: str) -> Path:
    folder = place / f"out-{stage}"
    exported = reelmill("export", place / "pipeline.yaml", stage, folder)
    assert exported.code == 0, exported.err
    said = reelmill("card", place / "pipeline.yaml", stage, folder, "--licence-field", "license", "-o", "json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["files"] == WRITTEN
    return folder


def items(place: Path, stage: str) -> list[Item]:
    return list(open_data_set(open_store(StoreRef(uri=str(place / "data")), env={}), stage).items())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tokens(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    return [inner for token in parsed for inner in (token, *(token.children or ()))]


def test_hugging_face_reads_the_front_matter(card: Path) -> None:
    found = DatasetCard.load(card / "README.md").data
    assert found.pretty_name == "films/clips"
    assert found.license == "other", "one licence has no identifier"
    assert found.size_categories == ["n<1K"]
    assert [each["data_files"] for each in found.to_dict()["configs"]] == ["items.parquet", "files.parquet"]


def test_the_card_shows_counts_hours_funnel_losses_licences_and_the_file_as_it_is(card: Path, place: Path) -> None:
    text = DatasetCard.load(card / "README.md").text
    cells = [row.split(" | ") for row in text.splitlines() if row.startswith("| ")]
    told = {row[0].strip("| `"): [cell.strip(" |") for cell in row[1:]] for row in cells}
    made = items(place, "clips")
    assert told["items"] == [str(len(made))]
    assert float(told["hours of video"][0]) * 3600 == pytest.approx(sum(one.fields["duration"] for one in made), 0.01)
    assert told["clips` (clip)"][:4] == ["3", "3", "0", str(len(made))]
    assert "| `raw` | failed | missing | 1 |" in text
    assert (told["CC BY 4.0"], told["Mine"]) == (["cc-by-4.0", "3"], ["–", "2"])
    assert "duration (s): 6 items" in text
    assert (place / "pipeline.yaml").read_text() in text


def test_texts_of_unknown_origin_are_shown_as_text(card: Path) -> None:
    found = tokens(DatasetCard.load(card / "README.md").text)
    assert not {token.type for token in found} & {"image", "link_open", "html_inline"}
    assert any(HOSTILE in text for text in _cells(found))


def _cells(found: list[Token]) -> list[str]:
    """The texts of inline tokens as a reader sees them."""
    return ["".join(child.content for child in token.children or ()) for token in found if token.type == "inline"]


@pytest.mark.parametrize("stage", ["clips", "keep", "tars", "rows"])
def test_the_tables_have_the_rows_of_the_store_and_the_digests_of_the_files(place: Path, stage: str) -> None:
    folder = carded(place, stage)
    made = items(place, stage)
    rows = parquet.read_table(folder / "items.parquet").to_pylist()
    assert [json.loads(row["row"]) for row in rows] == [json.loads(json.dumps(one.to_json())) for one in made]
    assert [row["key"] for row in rows] == [one.key for one in made]
    for row in rows:
        assert row["media.sha256"] == sha256(folder / row["media.path"])
    files = parquet.read_table(folder / "files.parquet").to_pylist()
    assert {row["item"] for row in files} == {one.key for one in made}
    for row in files:
        path = folder / row["path"]
        assert (row["size"], row["sha256"]) == (path.stat().st_size, sha256(path))


def test_a_column_of_digits_stays_text(card: Path) -> None:
    table = parquet.read_table(card / "items.parquet")
    assert set(table.column("place").to_pylist()) == {"0012", "7", "8"}


def test_croissant_names_every_file_that_a_reader_needs_with_its_digest(place: Path) -> None:
    folder = carded(place, "tars")
    told = json.loads((folder / "croissant.json").read_text())
    assert told["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    objects = {each["contentUrl"]: each["sha256"] for each in told["distribution"] if each["@type"] == "cr:FileObject"}
    tars = [str(path.relative_to(folder)) for path in folder.rglob("*.tar")]
    assert objects == {name: sha256(folder / name) for name in ["items.parquet", "files.parquet", *tars]}
    assert {each["@id"] for each in told["recordSet"]} >= {"items", "files", "members-mp4", "members-json"}


def test_licences_of_tars_are_those_of_what_they_were_made_from(place: Path) -> None:
    folder = carded(place, "tars")
    text = (folder / "README.md").read_text()
    assert "of the items of keep that these were made from" in text
    assert "| CC BY 4.0 | cc-by-4.0 | 2 |" in text


@pytest.mark.parametrize("stage", ["tars", "rows"])
def test_a_card_keeps_the_configurations_and_the_seal_of_the_export(place: Path, stage: str) -> None:
    folder = carded(place, stage)
    checked = reelmill("check", folder)
    assert checked.code == 0, checked.out
    configs = DatasetCard.load(folder / "README.md").data.to_dict()["configs"]
    assert [each["config_name"] for each in configs] == ["default", "items", "files"]
    for line in (folder / ".reelmill-export.sha256").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert sha256(folder / name) == digest, name


def test_the_same_data_set_has_the_same_card(card: Path, place: Path) -> None:
    before = {name: sha256(card / name) for name in WRITTEN}
    carded(place, "clips")
    assert {name: sha256(card / name) for name in WRITTEN} == before


def test_a_new_folder_gets_a_card_that_describes_the_tables_only(place: Path, tmp_path: Path) -> None:
    said = reelmill("card", place / "pipeline.yaml", "keep", tmp_path / "new")
    assert said.code == 0, said.err
    assert "describes the tables only" in said.err
    assert {path.name for path in (tmp_path / "new").iterdir()} == {".reelmill-card.json", *WRITTEN}
    told = json.loads((tmp_path / "new/croissant.json").read_text())
    assert [each["@id"] for each in told["recordSet"]] == ["items", "files"]
    assert "license" not in DatasetCard.load(tmp_path / "new/README.md").data.to_dict()


@pytest.mark.parametrize("command", ["card", "export"])
def test_what_a_killed_process_left_in_a_new_folder_is_no_obstacle(place: Path, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "new"
    (folder / ".incoming-ab_c12x9").mkdir(parents=True)
    (folder / ".incoming-ab_c12x9" / "items.parquet").write_bytes(b"half of it")
    said = reelmill(command, place / "pipeline.yaml", "keep", folder)
    assert said.code == 0, said.err
    assert {".incoming-ab_c12x9"} < {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", [".incoming-mine", "incoming-ab_c12x9", ".incoming-ab_c12x9.txt"])
@pytest.mark.parametrize("command", ["card", "export"])
def test_a_folder_of_ones_own_with_such_a_name_is_one(place: Path, tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "new" / name).mkdir(parents=True)
    said = reelmill(command, place / "pipeline.yaml", "keep", tmp_path / "new")
    assert said.code == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_nothing_that_others_wrote_is_replaced(place: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    said = reelmill("card", place / "pipeline.yaml", "clips", tmp_path)
    assert (said.code, "contains something else" in said.err) == (2, True)
    folder = tmp_path / "export"
    assert reelmill("export", place / "pipeline.yaml", "clips", folder).code == 0
    (folder / "README.md").write_text("mine")
    said = reelmill("card", place / "pipeline.yaml", "clips", folder)
    assert (said.code, "would replace README.md" in said.err) == (2, True)
    assert (folder / "README.md").read_text() == "mine"
    assert not (folder / "items.parquet").exists()


def test_a_readme_that_was_written_on_by_hand_is_kept(place: Path, tmp_path: Path) -> None:
    assert reelmill("card", place / "pipeline.yaml", "clips", tmp_path / "new").code == 0
    readme = tmp_path / "new/README.md"
    readme.write_text(readme.read_text().replace("<!-- Written by", "<!-- Once written by"))
    said = reelmill("card", place / "pipeline.yaml", "clips", tmp_path / "new")
    assert (said.code, "would replace README.md" in said.err) == (2, True)


def test_an_export_of_another_data_set_and_one_that_is_not_complete_are_refused(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    assert reelmill("export", place / "pipeline.yaml", "clips", folder).code == 0
    said = reelmill("card", place / "pipeline.yaml", "keep", folder)
    assert (said.code, "export of another data set" in said.err) == (2, True)
    (folder / ".reelmill-export.sha256").unlink()
    said = reelmill("card", place / "pipeline.yaml", "clips", folder)
    assert (said.code, "not complete" in said.err) == (2, True)


def test_an_export_that_is_older_than_the_data_set_is_refused(tmp_path: Path) -> None:
    path = films(tmp_path / "here", PIPELINE)
    folder = carded(path.parent, "clips")
    shutil.copy(path.parent / "videos/a.mp4", path.parent / "videos/d.mp4")
    with (path.parent / "captions.csv").open("a") as file:
        file.write("videos/d.mp4,new,Mine,9\n")
    assert reelmill("run", path, "-q").code == 0
    before = (folder / "README.md").read_bytes()
    said = reelmill("card", path, "clips", folder)
    assert (said.code, "export the stage into this folder again" in said.err) == (2, True)
    assert (folder / "README.md").read_bytes() == before
    carded(path.parent, "clips")
    assert "segment 2" in (folder / "README.md").read_text()


def test_a_stage_without_output_has_no_card(place: Path, tmp_path: Path) -> None:
    said = reelmill("card", place / "pipeline.yaml", "clips", tmp_path / "new", "--store", tmp_path / "empty")
    assert (said.code, "has no output yet" in said.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_values_of_variables_are_not_in_a_card(place: Path, tmp_path: Path) -> None:
    secret: dict[str, Any] = {"env": [{"name": "TOKEN", "value": "canary-of-a-variable"}]}
    text = (place / "pipeline.yaml").read_text().replace(
        "    pack: {samplesPerTar: 2}", f"    pack: {{samplesPerTar: 2}}\n    {json.dumps(secret)[1:-1]}"
    )  # fmt: skip
    path = tmp_path / "pipeline.yaml"
    path.write_text(text)
    said = reelmill("card", path, "clips", tmp_path / "new")
    assert said.code == 0, said.err
    assert "TOKEN" in (tmp_path / "new/README.md").read_text()
    for name in WRITTEN:
        assert b"canary" not in (tmp_path / "new" / name).read_bytes()
