"""The VideoPipeline resource and the parts of its spec."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.failures import Failures
from reelmill.contract.spec.field_types import Duration, Name, Rate, Text
from reelmill.contract.spec.placement import Control, Placement
from reelmill.contract.spec.s3 import S3, StoreSpec
from reelmill.contract.spec.sources.captions import CaptionsBlock
from reelmill.contract.spec.sources.clip4mc import Clip4mcBlock
from reelmill.contract.spec.sources.documents import DocumentsBlock
from reelmill.contract.spec.sources.files import FilesBlock
from reelmill.contract.spec.sources.images import ImagesBlock
from reelmill.contract.spec.sources.lips import LipsBlock
from reelmill.contract.spec.sources.multiview import MultiviewBlock
from reelmill.contract.spec.sources.pairs import PairsBlock
from reelmill.contract.spec.sources.table import TableBlock
from reelmill.contract.spec.sources.tars import TarsBlock
from reelmill.contract.spec.spec_model import SpecModel
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill.contract.spec.stages.chunk import ChunkBlock
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.dedup import DedupBlock
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill.contract.spec.stages.filter import FilterBlock
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill.contract.spec.stages.measure import MeasureBlock
from reelmill.contract.spec.stages.normalise import NormaliseBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.contract.spec.stages.run import RunBlock
from reelmill.contract.spec.stages.select import SelectBlock
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill.contract.spec.stages.transcribe import TranscribeBlock
from reelmill.contract.spec.stages.write import WriteBlock
from reelmill.contract.spec.view import StageView
from reelmill.contract.spec.web import WebAccess

API_VERSION = "reelmill.dev/v1alpha1"
KIND = "VideoPipeline"


class SourceSpec(SpecModel):
    """A source of items, with exactly one adapter block."""

    name: Name
    s3: S3 | None = None
    """Connection to the source. If absent, the store's connection is used."""
    web: WebAccess | None = None
    """How files of web servers are read, for `https://` and `hf://`. If absent, only servers with public addresses
    are."""
    epoch: Text = "1"
    """A new value discards the listing and lists the source from scratch."""
    files: FilesBlock | None = None
    table: TableBlock | None = None
    clip4mc: Clip4mcBlock | None = None
    pairs: PairsBlock | None = None
    captions: CaptionsBlock | None = None
    documents: DocumentsBlock | None = None
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
    """A processing step, with exactly one stage block."""

    name: Name
    from_: Annotated[list[Name], Field(alias="from", max_length=16)] = Field(default_factory=list)
    """Sources or earlier stages to read. If absent: the preceding stage; for the first stage, the only source."""
    clip: ClipBlock | None = None
    frames: FramesBlock | None = None
    pack: PackBlock | None = None
    index: IndexBlock | None = None
    tokenize: TokenizeBlock | None = None
    grid: GridBlock | None = None
    embed: EmbedBlock | None = None
    dedup: DedupBlock | None = None
    chunk: ChunkBlock | None = None
    measure: MeasureBlock | None = None
    normalise: NormaliseBlock | None = None
    caption: CaptionBlock | None = None
    transcribe: TranscribeBlock | None = None
    filter: FilterBlock | None = None
    select: SelectBlock | None = None
    write: WriteBlock | None = None
    run: RunBlock | None = None
    view: StageView | None = None
    """Presentation of the finished items. Changing it does not process any item again."""
    shards: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    """Number of shards of a pass. `auto`: 10 to 20 minutes of work each, at most 2000."""
    parallelism: Annotated[int, Field(ge=1, le=10_000)] = 8
    """Maximum number of pods that run at the same time."""
    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Number of worker processes per pod. If absent, one per CPU of the pod's limit."""
    failures: Failures = Failures()
    rerun: Text = ""
    """A new value runs this stage, and all stages that read it, again."""

    @property
    def type(self) -> str:
        """Name of the stage block."""
        return _member(self, StageBlock)[0]

    @property
    def block(self) -> StageBlock:
        block = _member(self, StageBlock)[1]
        assert isinstance(block, StageBlock)
        return block


class PipelineLimits(SpecModel):
    """Limits of concurrency and of spending."""

    max_active_stages: Annotated[int, Field(ge=1, le=64)] | None = None
    """Maximum number of stages with running shards. If absent, there is no limit."""
    pod_hours: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Total pod hours of all stages and steps. When they are used up, the pipeline is suspended until this is raised.
    On one machine, hours of steps. If absent, there is no limit."""
    cost: Annotated[float, Field(gt=0, le=1e12)] | None = None
    """Maximum cost of all pods, by the prices of the operator and in their currency. When it is reached, the pipeline
    is suspended until this is raised. If absent, there is no limit."""


class Verify(SpecModel):
    """Periodic verification: all committed objects are compared with their digests, while no stage has work to do."""

    interval: Duration
    """Time from the end of one verification to the next, at least a minute."""
    max_rate: Rate = "100M"
    """Maximum number of bytes to read per second."""
    read_all: bool = False
    """Read every byte. Otherwise, the checksums of an S3 server are relied on where it has them."""
    priority_class_name: Text | None = None
    """PriorityClass of the pod, so that it makes room for others. If absent, the cluster's default."""


class Queue(SpecModel):
    """A queue of the system that the operator is set to: Kueue, Volcano or YuniKorn."""

    name: Name
    """Name of the LocalQueue in the pipeline's namespace; with Volcano, of a Queue; with YuniKorn, of a queue below
    `root`."""


class Ttl(SpecModel):
    """How long finished Jobs are kept after their results are recorded in the status."""

    succeeded: Duration = "1h"
    failed: Duration = "24h"


class Spec(SpecModel):
    """The desired data sets: sources, processing stages, and the store."""

    store: StoreSpec
    defaults: Placement = Placement()
    """Defaults for all stages."""
    control: Control = Control()
    sources: Annotated[list[SourceSpec], Field(min_length=1, max_length=16)]
    """Sources of items."""
    stages: Annotated[list[StageSpec], Field(min_length=1, max_length=32)]
    """Processing stages. A stage reads sources and stages above it."""
    waves: Annotated[int, Field(ge=1, le=64)] = 1
    """Maximum number of segments, of at least 100 items each, for new items of a source, so that stages overlap."""
    refresh: Duration | None = None
    """Interval at which sources are listed again. If absent, they are listed on request only."""
    verify: Verify | None = None
    """Verification of the data at an interval, in a cluster; `reelmill run` ignores it. If absent, damage is found by
    `reelmill check --deep`, and when something is read."""
    suspend: bool = False
    """Suspend the pipeline: no pod runs while this is true."""
    queue: Queue | None = None
    """Queue for all Jobs."""
    limits: PipelineLimits = PipelineLimits()
    ttl: Ttl = Ttl()
    on_delete: Literal["Keep", "Delete"] = "Keep"
    """Whether to keep or delete the data when the resource is deleted. Data that other pipelines claim are kept."""


class Metadata(SpecModel):
    """The metadata that reelmill reads; other fields are accepted and ignored."""

    model_config = {**SpecModel.model_config, "extra": "allow"}

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
    namespace: Text = "default"


class VideoPipeline(SpecModel):
    """A pipeline that turns raw video in a bucket into training data."""

    api_version: Literal["reelmill.dev/v1alpha1"]
    kind: Literal["VideoPipeline"]
    metadata: Metadata
    spec: Spec
    status: dict[str, Any] | None = None


@cache
def members(model: type[Model], kind: type[Model]) -> list[str]:
    """Names of the fields of `model` whose type is a subclass of `kind`."""
    return [
        name
        for name, field in model.model_fields.items()
        if any(isinstance(part, type) and issubclass(part, kind) for part in getattr(field.annotation, "__args__", ()))
    ]


def _member(model: Model, kind: type[Model]) -> tuple[str, Model]:
    found = [(name, block) for name in members(type(model), kind) if (block := getattr(model, name)) is not None]
    if len(found) != 1:
        raise ValueError(f"exactly one of {', '.join(members(type(model), kind))} is required")
    return found[0]
