"""Which class runs a stage block and which function lists a source block, imported only when needed.

Adding a stage or a source is one line here; its block stands in the contract's file of that name. A missing package of
an extra names the extra. A `run` stage, or a type with a colon, is a class or function of one's own, `module:name`,
which names its parameters' model in `block_type`; it is imported as `declared` says. `own_code` tells of a block what
it would import, so that whoever only looks can do without.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.stages.run import RunBlock
from reelmill_stages.declared import load
from reelmill_stages.entrypoint import own_block, own_class
from reelmill_stages.sources import Adapter
from reelmill_stages.stage import Stage

STAGES = {
    "clip": "reelmill_stages.stages.clip.stage:ClipStage",
    "frames": "reelmill_stages.stages.frames.stage:FramesStage",
    "pack": "reelmill_stages.stages.pack.stage:PackStage",
    "tokenize": "reelmill_stages.stages.tokenize.stage:TokenizeStage",
    "index": "reelmill_stages.stages.index.stage:IndexStage",
    "grid": "reelmill_stages.stages.grid.stage:GridStage",
    "embed": "reelmill_stages.stages.embed.stage:EmbedStage",
    "chunk": "reelmill_stages.stages.chunk.stage:ChunkStage",
}

SOURCES = {
    "files": "reelmill_stages.sources.files:list_files",
    "table": "reelmill_stages.sources.table:list_rows",
    "clip4mc": "reelmill_stages.sources.clip4mc:list_clips",
    "pairs": "reelmill_stages.sources.pairs:list_pairs",
    "captions": "reelmill_stages.sources.captions:list_captions",
    "tars": "reelmill_stages.sources.tars:list_tars",
    "images": "reelmill_stages.sources.images:list_images",
    "lips": "reelmill_stages.sources.lips:list_lips",
    "multiview": "reelmill_stages.sources.multiview:list_takes",
}


RUN = "run"
"""The block that names a class of one's own."""


def own_code(type_: str, params: Mapping[str, Any]) -> str:
    """`module:name` of the code of the user's own that listing a source, or making a stage, would import; else empty.

    (A sampler of `pack` is imported later, by the steps that use it.)
    """
    if ":" in type_:
        return type_
    named = params.get({RUN: "entrypoint", "captions": "dataset"}.get(type_, ""), "")
    return named if isinstance(named, str) and ":" in named else ""


def stage(type_: str, params: dict[str, Any]) -> Stage:
    """The stage of a block, ready to run. Raises SpecError for a class of one's own that cannot be had."""
    return stage_class(type_, params)(stage_block(type_, params))


def stage_class(type_: str, params: dict[str, Any]) -> type[Stage]:
    """The class that runs a stage block."""
    path, _ = _own(type_, params)
    if path:
        return own_class(path)
    found: type[Stage] = _load(STAGES[type_])
    return found


def stage_block(type_: str, params: dict[str, Any]) -> StageBlock:
    """The block of a stage, validated: of a class of one's own, what its own model makes of its parameters."""
    path, own = _own(type_, params)
    return own_block(path, own) if path else _block("stages", type_).model_validate(params)


def _own(type_: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Path and parameters of a class of one's own; an empty path for a stage of reelmill's."""
    if type_ == RUN:
        block = RunBlock.model_validate(params)
        return block.entrypoint, block.own_params
    return (type_, params) if ":" in type_ else ("", {})


def source(type_: str, params: dict[str, Any]) -> tuple[Adapter, SourceBlock]:
    """The adapter of a block and the block."""
    if ":" in type_:
        own = load(type_, "adapter")
        return own, own.block_type.model_validate(params)
    adapter: Adapter = _load(SOURCES[type_])
    block: SourceBlock = _block("sources", type_).model_validate(params)
    return adapter, block


def _block(kind: str, type_: str) -> Any:
    """The model of a block, `ClipBlock` of `clip`; the whole resource is not put together for it."""
    return _load(f"reelmill.contract.spec.{kind}.{type_}:{type_.capitalize()}Block")


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("reelmill"):
            raise
        raise SpecError(
            f"this installation lacks the package {error.name!r}",
            where=module,
            hint="install reelmill-stages with the extra that brings it: text, scenes, parquet, tokens, grid or embed",
        ) from error
