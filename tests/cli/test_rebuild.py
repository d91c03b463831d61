"""`reelmill rebuild` on a machine that has the card and the sources, and no store, judged by the bytes of the store."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import footage
from cli.terminal import Said, reelmill, write

pytestmark = pytest.mark.store

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: rebuild}
spec:
  store: {uri: FOLDER/data}
  sources: [{name: raw, table: {uri: FOLDER/films.csv, base: FOLDER/videos, columns: {path: path, text: text}}}]
  stages:
  - name: clips
    clip: {by: length, length: 1s, preset: ultrafast}
  - name: kept
    dedup: {by: exact}
  - name: chosen
    filter: {rules: [{field: start, max: 2}]}
  - name: tars
    pack: {sampler: video_only, samplesPerTar: 4}
  - name: pictures
    from: [chosen]
    frames: {count: 2, layout: jpg, width: 32, height: 16}
"""
STAGES = ("clips", "chosen", "tars", "pictures")


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cards of a pipeline that ran, and what its items had; the store itself is gone."""
    folder = tmp_path_factory.mktemp("rebuild")
    (folder / "videos").mkdir()
    for number, name in enumerate("abc"):
        options = ("-preset", "ultrafast", "-crf", str(20 + number))
        video = footage.video(seconds=2.0 + number, size=(64, 48), audio=False, codec="libx264", options=options)
        shutil.copyfile(video, folder / f"videos/{name}.mp4")
    (folder / "films.csv").write_text("path,text\na.mp4,one\nb.mp4,two\nc.mp4,three\n")
    write(folder, PIPELINE.replace("FOLDER", str(folder)))
    assert reelmill("run", folder / "pipeline.yaml").code == 0
    for stage in STAGES:
        assert reelmill("card", folder / "pipeline.yaml", stage, folder / "cards" / stage).code == 0
    shutil.rmtree(folder / "data")
    (folder / "films.csv").unlink()
    return folder


def items(cards: Path, stage: str) -> dict[str, dict[str, str]]:
    """Item -> digest by file, as the card's own table of items has them."""
    rows = parquet.read_table(cards / "cards" / stage / "items.parquet").to_pylist()
    made = [json.loads(row["row"]) for row in rows]
    return {row["key"]: {out["key"].split("/", 3)[3]: out["digest"] for out in row["outputs"]} for row in made}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.rglob("*")
        if path.is_file()
    }


def rebuild(cards: Path, stage: str, sample: str, to: Path, *more: str) -> Said:
    return reelmill("rebuild", cards / "cards" / stage, "--sample", sample, "--to", to, *more)


@pytest.mark.parametrize("stage", ["clips", "tars", "pictures"])
def test_016_f09_a_sample_is_made_again_byte_for_byte_without_the_store(
    cards: Path, stage: str, tmp_path: Path
) -> None:
    found = items(cards, stage)
    for number, sample in enumerate([min(found), max(found)]):
        said = rebuild(cards, stage, sample, tmp_path / str(number))
        assert said.code == 0, said.out + said.err
        assert "identical byte for byte" in said.err
        made = {
            path.relative_to(
                tmp_path / str(number)
            ).as_posix(): f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
            for path in (tmp_path / str(number)).rglob("*")
            if path.is_file()
        }
        assert made == found[sample]
        assert made


def test_a_table_of_lineage_is_enough(cards: Path, tmp_path: Path) -> None:
    sample = min(items(cards, "clips"))
    table = tmp_path / "clips.parquet"
    shutil.copyfile(cards / "cards/clips/lineage.parquet", table)
    said = reelmill("rebuild", table, "--sample", sample, "--to", tmp_path / "made", "-o", "json")
    assert json.loads(said.out)["same"] is True


def test_a_source_object_that_has_changed_is_reported(cards: Path, tmp_path: Path) -> None:
    sample = min(items(cards, "clips"))
    film, aside = cards / "videos/a.mp4", cards / "a.mp4"
    film.rename(aside)
    try:
        film.write_bytes(aside.read_bytes() + b"more")
        said = rebuild(cards, "clips", sample, tmp_path / "made")
    finally:
        aside.rename(film)
    assert said.code == 2
    assert "changed" in said.err
    assert "the source object is not the one" in said.err
    assert not (tmp_path / "made").exists()


def test_an_encode_that_gives_other_bytes_is_reported(cards: Path, tmp_path: Path) -> None:
    sample = min(items(cards, "pictures"))
    card = tmp_path / "card.parquet"
    table = parquet.read_table(cards / "cards/pictures/lineage.parquet")
    about = json.loads(table.schema.metadata[b"reelmill"])
    stage = next(each for each in about["task"]["stages"] if each["name"] == "pictures")
    stage["params"]["width"] = 16  # as if another encoder had made it
    parquet.write_table(table.replace_schema_metadata({"reelmill": json.dumps(about)}), card)
    said = reelmill("rebuild", card, "--sample", sample, "--to", tmp_path / "made")
    assert said.code == 65
    assert "differs" in said.err


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda about: about["task"]["stages"][0].update(dataVersion=99), "data version 99"),
        (lambda about: about["task"]["stages"][0]["params"].update(novel=1), "another version of reelmill: novel"),
        (lambda about: about.pop("task"), "does not say how its items were made"),
        (lambda about: about.pop("pins"), "not a table of lineage"),
        (
            lambda about: about["pins"]["clips"].update(weights={"uri": "/nowhere/x.pt", "digest": "sha256:0"}),
            "",
        ),
    ],
)
def test_what_cannot_be_made_on_this_machine_is_reported(
    cards: Path, change: object, refusal: str, tmp_path: Path
) -> None:
    sample = min(items(cards, "clips"))
    table = parquet.read_table(cards / "cards/clips/lineage.parquet")
    about = json.loads(table.schema.metadata[b"reelmill"])
    change(about)  # type: ignore[operator]
    card = tmp_path / "card.parquet"
    parquet.write_table(table.replace_schema_metadata({"reelmill": json.dumps(about)}), card)
    said = reelmill("rebuild", card, "--sample", sample, "--to", tmp_path / "made")
    assert said.code == (2 if refusal else 0)
    assert refusal in said.err


def test_a_file_that_would_lie_elsewhere_is_refused(cards: Path, tmp_path: Path) -> None:
    sample = min(items(cards, "clips"))
    rows = parquet.read_table(cards / "cards/clips/lineage.parquet")
    evil = rows.to_pylist()
    for row in evil:
        for file in row["files"]:
            file["key"] = "clips/0123456789/0001/../../../../evil.mp4"
    import pyarrow

    card = tmp_path / "card.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(evil, schema=rows.schema), card)
    said = reelmill("rebuild", card, "--sample", sample, "--to", tmp_path / "made")
    assert said.code == 2
    assert "no data set has" in said.err


def test_an_item_without_files_of_its_own_is_not_reported_as_equal(cards: Path, tmp_path: Path) -> None:
    sample = min(items(cards, "chosen"))
    assert items(cards, "chosen")[sample] == {}
    said = rebuild(cards, "chosen", sample, tmp_path / "made")
    assert said.code == 2
    assert "no files of its own" in said.err
    assert not (tmp_path / "made").exists()


def test_a_sample_a_table_or_a_time_that_cannot_be_used_is_reported(cards: Path, tmp_path: Path) -> None:
    said = rebuild(cards, "clips", "nobody", tmp_path / "made")
    assert said.code == 2
    assert "has no item 'nobody'" in said.err
    said = rebuild(cards, "clips", min(items(cards, "clips")), tmp_path / "made", "--item-timeout", "soon")
    assert said.code == 2
    assert "'soon' is not a duration" in said.err
    (tmp_path / "x.parquet").write_text("no table")
    for place, problem in ((tmp_path, "no such file"), (tmp_path / "x.parquet", "not a table of lineage")):
        said = reelmill("rebuild", place, "--sample", "x", "--to", tmp_path / "made")
        assert said.code == 2
        assert problem in said.err
