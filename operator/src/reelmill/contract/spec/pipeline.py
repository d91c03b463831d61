"""The resource as a whole: what it is made of, and what must hold between its parts."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.failures import Failures
from reelmill.contract.spec.names import Duration, Name, Text
from reelmill.contract.spec.placement import Control, Placement
from reelmill.contract.spec.s3 import S3, StoreSpec
from reelmill.contract.spec.sources.captions import CaptionsBlock
from reelmill.contract.spec.sources.clip4mc import Clip4mcBlock
from reelmill.contract.spec.sources.files import FilesBlock
from reelmill.contract.spec.sources.images import ImagesBlock
from reelmill.contract.spec.sources.lips import LipsBlock
from reelmill.contract.spec.sources.multiview import MultiviewBlock
from reelmill.contract.spec.sources.pairs import PairsBlock
from reelmill.contract.spec.sources.table import TableBlock
from reelmill.contract.spec.sources.tars import TarsBlock
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill.contract.spec.stages.frames import FramesBlock, FramesView
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.contract.spec.stages.run import RunBlock
from reelmill.contract.spec.stages.tokenize import TokenizeBlock

API_VERSION = "reelmill.dev/v1alpha1"
KIND = "VideoPipeline"


class SourceSpec(Model):
    """Where items come from. Exactly one adapter block."""

    name: Name
    s3: S3 | None = None
    """Connection of this source; absent: the store's."""
    epoch: Text = "1"
    """Another value forgets what was listed and begins anew."""
    files: FilesBlock | None = None
    table: TableBlock | None = None
    clip4mc: Clip4mcBlock | None = None
    pairs: PairsBlock | None = None
    captions: CaptionsBlock | None = None
    tars: TarsBlock | None = None
    images: ImagesBlock | None = None
    lips: LipsBlock | None = None
    multiview: MultiviewBlock | None = None

    @property
    def type(self) -> str:
        """Name of the adapter block."""
        return _member(self, SourceBlock)[0]

    @property
    def block(self) -> SourceBlock:
        block = _member(self, SourceBlock)[1]
        assert isinstance(block, SourceBlock)
        return block


class StageSpec(Placement):
    """One step. Exactly one stage block."""

    name: Name
    from_: Annotated[list[Name], Field(alias="from", max_length=16)] = Field(default_factory=list)
    """Sources or earlier stages whose items it takes; absent: the stage above, or the only source for the first."""
    clip: ClipBlock | None = None
    frames: FramesBlock | None = None
    pack: PackBlock | None = None
    index: IndexBlock | None = None
    tokenize: TokenizeBlock | None = None
    grid: GridBlock | None = None
    embed: EmbedBlock | None = None
    chunk: ChunkBlock | None = None
    run: RunBlock | None = None
    view: FramesView | None = None
    """How the finished items are presented; editing it never runs an item again."""
    shards: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    """Shards of a pass; `auto`: 10 to 20 minutes of work each, at most 2000."""
    parallelism: Annotated[int, Field(ge=1, le=10_000)] = 8
    """Pods at a time."""
    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Worker processes per pod; absent: one per CPU of its limit."""
    failures: Failures = Failures()
    rerun: Text = ""
    """Any new string does this stage, and what follows it, again."""

    @property
    def type(self) -> str:
        """Name of the stage block."""
        return _member(self, StageBlock)[0]

    @property
    def block(self) -> StageBlock:
        block = _member(self, StageBlock)[1]
        assert isinstance(block, StageBlock)
        return block


class PipelineLimits(Model):
    """Bounds on what runs at once."""

    max_active_stages: Annotated[int, Field(ge=1, le=64)] | None = None
    """Stages with running shards at a time; absent: no bound."""


class Queue(Model):
    """A Kueue local queue."""

    name: Name


class Ttl(Model):
    """How long finished Jobs stay, after their results are in the status."""

    succeeded: Duration = "1h"
    failed: Duration = "24h"


class Spec(Model):
    """What is to be made of what, where, and with what."""

    store: StoreSpec
    defaults: Placement = Placement()
    """Every stage's starting point."""
    control: Control = Control()
    sources: Annotated[list[SourceSpec], Field(min_length=1, max_length=16)]
    """Where items come from."""
    stages: Annotated[list[StageSpec], Field(min_length=1, max_length=32)]
    """What is done with them: each stage reads sources and stages above it."""
    waves: Annotated[int, Field(ge=1, le=64)] = 1
    """Give what is new in a source as up to so many segments of at least 100 items, so that stages overlap."""
    refresh: Duration | None = None
    """Look for new source items this often; absent: only when asked."""
    suspend: bool = False
    """Pause: no pod runs until it is false again."""
    queue: Queue | None = None
    """Kueue queue of every Job."""
    limits: PipelineLimits = PipelineLimits()
    ttl: Ttl = Ttl()
    on_delete: Literal["Keep", "Delete"] = "Keep"
    """What becomes of the data when the resource is deleted; `Delete` spares what another pipeline claims."""


class Metadata(Model):
    """The part of Kubernetes' metadata that reelmill reads; the rest passes through."""

    model_config = {**Model.model_config, "extra": "allow"}

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
    namespace: Text = "default"


class VideoPipeline(Model):
    """Raw video in a bucket into training data."""

    api_version: Literal["reelmill.dev/v1alpha1"]
    kind: Literal["VideoPipeline"]
    metadata: Metadata
    spec: Spec
    status: dict[str, Any] | None = None


@cache
def members(model: type[Model], kind: type[Model]) -> list[str]:
    """Names of the fields of `model` that hold a block of a kind."""
    return [
        name
        for name, field in model.model_fields.items()
        if any(isinstance(part, type) and issubclass(part, kind) for part in getattr(field.annotation, "__args__", ()))
    ]


def _member(model: Model, kind: type[Model]) -> tuple[str, Model]:
    found = [(name, block) for name in members(type(model), kind) if (block := getattr(model, name)) is not None]
    if len(found) != 1:
        raise ValueError(f"exactly one of {', '.join(members(type(model), kind))} is needed")
    return found[0]
