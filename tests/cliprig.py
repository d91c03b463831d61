"""The workspace of a stage in tests: a scratch folder, media by URI, and a data set in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import footage
from reelmill.contract.errors import ItemError
from reelmill.contract.records.rows import Item, Media, Output
from reelmill.contract.records.segment import Counts
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Input, Result
from reelmill_stages.stages.clip.stage import ClipStage

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "20")


def video(seconds: float = 3.0, **options: Any) -> Path:
    return footage.video(**{"seconds": seconds, "size": (192, 112), "options": X264, **options})


@dataclass
class Rig:
    """Runs the stage as a worker would; counts the fetches of each video."""

    scratch: Path
    files: dict[str, Path] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gpu: int | None = None

    def open(self, media: Media) -> Path:
        return self.fetch(media)

    def fetch(self, media: Media) -> Path:
        self.asked.append(media.uri)
        if media.uri not in self.files:
            raise ItemError("missing", f"{media.uri} is gone")
        return self.files[media.uri]

    def read(self, uri: str, digest: str = "") -> Path:
        raise AssertionError("no parameter of this stage names a file")

    def item(self, key: str, path: Path | None = None, uri: str = "s3://raw/v.mp4", **fields: Any) -> Item:
        """An item of the video `uri`, which is the file `path`."""
        if path is not None:
            self.files[uri] = path
        return Item(key, 0, uri, 1.0, Media(uri, 1, etag="e1", source="raw"), fields=fields)

    def run(self, items: Sequence[Item], **params: Any) -> list[Result]:
        made = stage("clip", params)
        assert isinstance(made, ClipStage)
        made.check()
        return list(made.process([Input(item, number) for number, item in enumerate(items)], self))


def done(result: Result) -> Done:
    assert isinstance(result, Done), result
    return result


@dataclass
class Committed:
    """A data set of the items in results."""

    results: Sequence[Result]
    scratch: Path
    name: str = "clips"
    root: str = "clips/0123456789"
    totals: Counts = field(default_factory=Counts)

    def items(self) -> Iterator[Item]:
        ordinal = 0
        for result in self.results:
            for new in result.items if isinstance(result, Done) else ():
                media = new.media
                outputs = tuple(Output(f"{self.root}/0001/{file.name}", 1, "sha256:0") for file in new.files)
                if isinstance(media, str):
                    media = Media(f"{self.root}/0001/{media}", 1, digest="sha256:0")
                yield Item(new.key, ordinal, new.group, new.weight, media, outputs, new.provenance, new.fields)
                ordinal += 1

    def fetch(self, key: str) -> Path:
        raise AssertionError("the view needs no file")
