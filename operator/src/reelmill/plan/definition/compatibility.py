"""Checks whether a stage can read its upstreams, from the declarations of their blocks (`gives`, `takes`)."""

from collections.abc import Mapping, Sequence

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec


def origins(
    name: str, known: Mapping[str, SourceSpec | StageSpec], upstreams: Mapping[str, Sequence[str]]
) -> list[SourceSpec | StageSpec]:
    """The sources and stages that made the items of an upstream, skipping stages that pass items on."""
    names, found = [name], []
    for each in names:
        block = _block_passing_items_on(known[each]) if each in known else None
        if block is None:
            found += [known[each]] if each in known else []
            continue
        above = upstreams[each]
        if block.returns_inputs:
            makers = [maker.name for one in above for maker in origins(one, known, upstreams)]
            above = [one for maker in makers for one in upstreams.get(maker, ())]
        names += [one for one in above if one not in names]
    return found


def _block_passing_items_on(entry: SourceSpec | StageSpec) -> StageBlock | None:
    """The block of a stage that passes items on, or None."""
    try:
        block = entry.block
    except ValueError:
        return None
    return block if isinstance(block, StageBlock) and block.passes_items else None


def fits(stage: StageSpec, upstream: SourceSpec | StageSpec, where: str) -> list[SpecError]:
    """The errors of a stage that reads items of an upstream (`origins`); `where` is the path of the reference."""
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
    article = "an" if stage.type[0] in "aeiou" else "a"
    return [
        SpecError(
            f"{article} {stage.type} stage reads {' or '.join(sorted(taken))}, but {upstream.name!r} produces {given}",
            where=where,
            hint=_HINTS.get(given, "read another source or stage"),
        )
    ]


_HINTS = {
    "spans": "set mode to copy in that clip stage",
    "nothing": "read the input of that stage instead",
    "tars": "read the stage or source from which the tars are made",
    "samples": "read the input of the frames stage instead",
    "images": "images are for a grid stage; for videos, use a files source",
    "features": "read the input of the grid stage instead",
    "crops": "mouth crops are for an embed stage; for videos, use a files source",
    "embeddings": "read the input of the embed stage instead",
    "views": "add a chunk stage in between, or list a single view with a files source",
    "chunks": "read the input of that stage instead",
    "documents": "documents are for a pack stage with the sampler interleave",
    "videos": "add a pack stage in between",
}
