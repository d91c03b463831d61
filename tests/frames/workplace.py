"""What a worker lends to the frames stage, made of plain folders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import footage
from reelmill.contract.records.rows import Item, Media, Output, Span
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.stage import Done, Input, Result
from reelmill_stages.stages.frames.stage import FramesStage

X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "12", "-bf", "2")
SIZE = (208, 112)


def clip(seconds: float = 2.0, **asked: Any) -> Path:
    """A video of 25 frames a second; frame i shows the number i."""
    return footage.video(seconds=seconds, size=SIZE, options=X264, audio=False, **asked)


@dataclass
class Workplace:
    """`fetched` counts how often each file was asked for."""

    scratch: Path
    gpu: int | None = None
    fetched: list[str] = field(default_factory=list)

    def open(self, media: Media) -> Path:
        return self.fetch(media)

    def fetch(self, media: Media) -> Path:
        self.fetched.append(media.uri)
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)


def item(path: Path, number: int = 0, span: tuple[float, float] | None = None, **fields: Any) -> Input:
    """An input; `fields` override those of a good CLIP4MC clip."""
    media = Media(str(path), path.stat().st_size, etag="e1", source="raw", span=Span(*span) if span else None)
    good = {"vid": "abcdefghijk", "text": "mine the diamonds", "size": [0.25] * 16}
    kept = {name: value for name, value in {**good, **fields}.items() if value is not ...}
    return Input(Item(f"clip-{number}", number, str(path), 2.0, media, fields=kept), number)


def run(scratch: Path, group: Sequence[Input], *, gpu: int | None = None, **params: Any) -> Sequence[Result]:
    """The stage's results for a group."""
    stage = FramesStage(FramesBlock.model_validate(params))
    stage.check()
    scratch.mkdir(parents=True, exist_ok=True)
    return stage.process(group, Workplace(scratch, gpu))


def done(scratch: Path, given: Input, **params: Any) -> Done:
    """The one result of one good input."""
    (result,) = run(scratch, [given], **params)
    assert isinstance(result, Done), result
    return result


def row(result: Done, given: Input) -> Item:
    """The item row that the runtime makes of a result."""
    (made,) = result.items
    outputs = tuple(Output(f"samples/0123456789/0001/{file.name}", 0, "") for file in made.files)
    return Item(
        made.key, given.number, made.group, made.weight, None, outputs, dict(made.provenance), dict(made.fields)
    )
