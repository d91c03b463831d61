"""Whether a stage can read what it is given, by what their blocks declare (`gives`, `takes`)."""

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec


def fits(stage: StageSpec, upstream: SourceSpec | StageSpec | None, where: str) -> list[SpecError]:
    """What is wrong with a stage reading an upstream; `where` is the path of the reference."""
    if upstream is None:
        return []
    try:
        block = upstream.block
    except ValueError:
        return []
    if misfit := stage.block.misfit(block, upstream.name):
        what, hint = misfit
        return [SpecError(what, where=where, hint=hint)]
    taken, given = stage.block.takes, block.given
    if not taken or given == "anything" or given in taken:
        return []
    return [
        SpecError(
            f"a {stage.type} stage reads {' or '.join(sorted(taken))}, but {upstream.name!r} gives {given}",
            where=where,
            hint=_HINTS.get(given, "read another source or stage"),
        )
    ]


_HINTS = {
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
