"""Registry of stage classes and source adapters, which are imported on demand.

A new stage or source is registered by one line here; its block is in `reelmill.contract.spec`, in the module of the
same name. A `run` stage, or a type with a colon (`module:name`), is a custom class or function whose attribute
`block_type` is the model of its parameters; it is imported only if its module declares it (see `declared`). `own_code`
says what a block would import, so that commands that only read can do without it.
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
"""The block for custom stage classes."""


def own_code(type_: str, params: Mapping[str, Any]) -> str:
    """`module:name` of the code of the user's own that listing a source, or making a stage, would import; else empty.

    (A sampler of `pack` is imported later, by the steps that use it.)
    """
    if ":" in type_:
        return type_
    named = params.get({RUN: "entrypoint", "captions": "dataset"}.get(type_, ""), "")
    return named if isinstance(named, str) and ":" in named else ""


def stage(type_: str, params: dict[str, Any]) -> Stage:
    """An instance of the stage for a block type and its parameters. Raises SpecError if it cannot be imported."""
    return stage_class(type_, params)(stage_block(type_, params))


def stage_class(type_: str, params: dict[str, Any]) -> type[Stage]:
    """The class for a block type. Raises SpecError if it cannot be imported."""
    path, _ = _own(type_, params)
    if path:
        return own_class(path)
    found: type[Stage] = _load(STAGES[type_])
    return found


def stage_block(type_: str, params: dict[str, Any]) -> StageBlock:
    """The validated block of a stage; for a custom class, an instance of its `block_type`."""
    path, own = _own(type_, params)
    return own_block(path, own) if path else _block("stages", type_).model_validate(params)


def _own(type_: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(import path, parameters) of a custom class; the path is empty for a built-in stage."""
    if type_ == RUN:
        block = RunBlock.model_validate(params)
        return block.entrypoint, block.own_params
    return (type_, params) if ":" in type_ else ("", {})


def source(type_: str, params: dict[str, Any]) -> tuple[Adapter, SourceBlock]:
    """(adapter, validated block) of a source. Raises SpecError if the adapter cannot be imported."""
    if ":" in type_:
        own = load(type_, "adapter")
        return own, own.block_type.model_validate(params)
    adapter: Adapter = _load(SOURCES[type_])
    block: SourceBlock = _block("sources", type_).model_validate(params)
    return adapter, block


def _block(kind: str, type_: str) -> Any:
    """The model of a block, such as `ClipBlock` for `clip`, without importing the whole resource."""
    return _load(f"reelmill.contract.spec.{kind}.{type_}:{type_.capitalize()}Block")


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("reelmill"):
            raise
        raise SpecError(
            f"the package {error.name!r} is not installed",
            where=module,
            hint="install reelmill-stages with its extra: text, scenes, parquet, tokens, grid or embed",
        ) from error
