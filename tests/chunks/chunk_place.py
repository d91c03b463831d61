"""The chunk stage at work on one item, and its index read back, without a store in between."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reelmill.contract.records.rows import Item, Media, Output
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill_stages.media.keypoints import folder_digest
from reelmill_stages.stage import Done, Input, Result
from reelmill_stages.stages.chunk.stage import ChunkStage
from reelmill_stages.store.local.store import LocalStore

ROOT = "chunks/0123456789"


@dataclass
class Workplace:
    """What a worker lends, made of plain folders."""

    scratch: Path
    gpu: int | None = None

    def open(self, media: Media) -> Path:
        return self.fetch(media)

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)

    def files_in(self, uri: str, source: str) -> Iterator[Media]:
        for path in sorted(Path(uri).iterdir()):
            yield listed(path)

    def content(self, media: Media) -> bytes:
        return Path(media.uri).read_bytes()


@dataclass
class Rows:
    """A committed data set of a few rows."""

    rows: Sequence[Item]
    scratch: Path
    name: str = "chunks"
    root: str = ROOT
    totals: Counts = field(default_factory=Counts)

    def items(self) -> Iterator[Item]:
        return iter(self.rows)

    def fetch(self, key: str) -> Path:
        raise NotImplementedError


def listed(path: Path) -> Media:
    """A file as a source lists it."""
    stat = LocalStore(path.parent).stat(path.name)
    return Media(str(path), stat.size, etag=stat.etag, source="raw")


def take(views: dict[str, Path], **fields: Any) -> Item:
    """An item of a multiview source. `fields` are its range, labels and keypoints."""
    told = {view: listed(path).to_json() for view, path in views.items()}
    media = Media.from_json(next(iter(told.values())))
    who = {"person_id": "01", "env_folder": "夜多い", "env_key": "night_high", "name": "01_夜多い"}
    return Item("01/夜多い", 0, "01/夜多い", 1.0, media, fields={**who, "views": told, **fields})


def point_folders(folder: Path) -> dict[str, dict[str, Any]]:
    """The keypoints of each view below a folder, as a source lists them."""
    folders = {}
    for path in sorted(folder.iterdir()):
        count, digest = folder_digest(Workplace(folder).files_in(str(path), "raw"))
        folders[path.name] = {"uri": str(path), "source": "raw", "files": count, "digest": digest}
    return folders


def run(scratch: Path, *items: Item, **params: Any) -> list[Result]:
    """The stage's results."""
    scratch.mkdir(parents=True, exist_ok=True)
    block = ChunkBlock.model_validate(params)
    assert not block.refusals(), block.refusals()
    return [
        ChunkStage(block).process([Input(replace(item, ordinal=number), number)], Workplace(scratch))[0]
        for number, item in enumerate(items)
    ]


def rows(results: Sequence[Result]) -> list[Item]:
    """The item rows that the runtime makes of results that are all done."""
    made = []
    for result in results:
        assert isinstance(result, Done), result
        for item in result.items:
            outputs = tuple(Output(f"{ROOT}/0001/{file.name}", file.path.stat().st_size, "") for file in item.files)
            row = Item(
                item.key, len(made), item.group, item.weight, None, outputs, dict(item.provenance), dict(item.fields)
            )
            made.append(Item.from_json(json.loads(json.dumps(row.to_json()))))
    return made


def indexed(folder: Path, *items: Item, **params: Any) -> dict[str, Any]:
    """The index of what a stage makes of items, in a folder laid out as an export of them; files lie in it."""
    results = run(folder / "0001", *items, **params)
    (view,) = ChunkStage(ChunkBlock.model_validate(params)).present(Rows(rows(results), folder), {})
    index: dict[str, Any] = json.loads(view.path.read_text())
    return index
