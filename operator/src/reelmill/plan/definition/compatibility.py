"""Whether a stage can read what it is given: a small table of what blocks give and take."""

from collections.abc import Mapping

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.contract.spec.stages.tokenize import TokenizeBlock

GIVES = {
    "files": "videos",
    "table": "videos",
    "clip4mc": "videos",
    "pairs": "videos",
    "captions": "videos",
    "tars": "tars",
    "images": "images",
    "lips": "crops",
    "multiview": "views",
    "clip": "videos",
    "frames": "samples",
    "pack": "tars",
    "tokenize": "tars",
    "index": "nothing",
    "grid": "features",
    "embed": "embeddings",
    "chunk": "chunks",
}
"""Block -> what its items are. A block that is not listed gives `anything`."""

TAKES: Mapping[str, frozenset[str]] = {
    "clip": frozenset({"videos"}),
    "frames": frozenset({"videos", "spans"}),
    "pack": frozenset({"videos", "spans"}),
    "tokenize": frozenset({"tars"}),
    "index": frozenset({"tars"}),
    "grid": frozenset({"images"}),
    "embed": frozenset({"crops", "videos", "spans", "samples"}),
    "chunk": frozenset({"videos", "spans", "views"}),
}
"""Block -> what it can read. A block that is not listed reads anything."""


def fits(stage: StageSpec, upstream: SourceSpec | StageSpec | None, where: str) -> list[SpecError]:
    """What is wrong with a stage reading an upstream; `where` is the path of the reference."""
    if upstream is None:
        return []
    try:
        block = upstream.block
    except ValueError:
        return []
    virtual = isinstance(block, ClipBlock) and block.mode == "virtual"
    given = "spans" if virtual else GIVES.get(upstream.type, "anything")
    taken = TAKES.get(stage.type)
    if isinstance(stage.block, PackBlock) and stage.block.sampler == "video_only" and given == "spans":
        return [
            SpecError(
                f"the sampler video_only packs whole files, but {upstream.name!r} only marks spans (mode: virtual)",
                where=where,
                hint="set mode: copy in that clip stage, or another sampler here",
            )
        ]
    if isinstance(stage.block, TokenizeBlock) and isinstance(block, PackBlock) and block.sampler == "video_only":
        return [
            SpecError(
                f"a tokenize stage reads images, but {upstream.name!r} packs whole videos (sampler: video_only)",
                where=where,
                hint="read a pack stage with the sampler un or kf",
            )
        ]
    if taken is None or given == "anything" or given in taken:
        return []
    return [
        SpecError(
            f"a {stage.type} stage reads {' or '.join(sorted(taken))}, but {upstream.name!r} gives {given}",
            where=where,
            hint=_WAY_OUT.get(given, "read another source or stage"),
        )
    ]


_WAY_OUT = {
    "spans": "set mode: copy in that clip stage",
    "nothing": "read what that stage reads",
    "tars": "read the stage or source that the tars were made from",
    "samples": "read what the frames stage reads",
    "images": "a grid stage reads them; list videos with a files source",
    "features": "read what the grid stage reads",
    "crops": "an embed stage reads them; list videos with a files source",
    "embeddings": "read what the embed stage reads",
    "views": "put a chunk stage in between, or list one view alone with a files source",
    "chunks": "read what that stage reads",
    "videos": "put a pack stage in between",
}
