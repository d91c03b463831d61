"""Pictures in reports are of the pipeline's own files: a row of a hostile store names no other of the machine."""

import os
from pathlib import Path

import pytest
from PIL import Image

from reelmill.contract.records.rows import Item, Media, Output
from reelmill.contract.task import Owner, SourceDef, Step, StoreRef, Task
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.runtime.preview_frames.clip_frames import shots

pytestmark = pytest.mark.store  # needs no server, but draws reports

KEY = f"clips/{'ab' * 5}/0001/pictures"


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), "red").save(path)
    return path


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A pipeline with a store and a source; beside them lie pictures of somebody else."""
    for name in (f"store/{KEY}/own.png", "store/loose.png", "store/clips/_reelmill/x.png", "raw/a.png", "secret/b.png"):
        picture(tmp_path / name)
    (tmp_path / f"store/{KEY}/link.png").symlink_to(tmp_path / "secret/b.png")
    (tmp_path / f"store/clips/{'ab' * 5}/0001/folder").symlink_to(tmp_path / "secret")
    return Task(
        step=Step.SURVEY,
        owner=Owner(namespace="a", name="b", uid="c"),
        run=0,
        store=StoreRef(uri=str(tmp_path / "store")),
        sources=(SourceDef(name="raw", key="k", type="files", params={"uri": str(tmp_path / "raw")}),),
    )


def made(task: Task, *items: Item) -> list[Shot]:
    return list(shots(task, os.environ, items))


def item(uri: str, source: str = "", size: int = 1) -> Item:
    return Item(uri, 0, uri, 1.0, Media(uri, size, source=source))


def own(folder: Path) -> Item:
    return item(f"{KEY}/own.png", size=(folder / f"store/{KEY}/own.png").stat().st_size)


def test_files_of_the_data_set_and_of_the_source_are_shown(task: Task, tmp_path: Path) -> None:
    size = (tmp_path / "raw/a.png").stat().st_size
    written = Item("w", 0, "w", 1.0, None, (Output(f"{KEY}/own.png", size, ""),))
    raw = Item("r", 0, "r", 1.0, Media(str(tmp_path / "raw/a.png"), size, source="raw"))
    found = made(task, written, raw, own(tmp_path))
    assert [shot.jpeg[:3] for shot in found] == [b"\xff\xd8\xff"] * 3, found


ELSEWHERE = (
    "{}/secret/b.png",
    "file://{}/secret/b.png",
    "{}/raw/../secret/b.png",
    "s3://elsewhere/b.png",
    "../secret/b.png",
    f"{KEY}/../../../../../secret/b.png",
    f"{KEY}/link.png",
    f"clips/{'ab' * 5}/0001/folder/b.png",
    "loose.png",
    "clips/_reelmill/x.png",
)


def test_files_elsewhere_are_not(task: Task, tmp_path: Path) -> None:
    uris = [name.format(tmp_path) for name in ELSEWHERE]
    hostile = [item(uri, source) for uri in uris for source in ("", "raw", "other")]
    hostile += [Item("o", 0, "o", 1.0, None, (Output(uri, 1, ""),)) for uri in uris]
    *found, beside = made(task, *hostile, own(tmp_path))
    assert [shot.jpeg for shot in found] == [b""] * len(hostile)
    assert all(shot.problem for shot in found)
    assert beside.jpeg
