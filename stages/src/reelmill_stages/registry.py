"""Which class runs a stage block and which function lists a source block, imported only when needed.

Adding a stage or a source is one line here. A missing package of an extra names the extra. A type with a colon is a
class or function of one's own, `module:name`, which names the model of its parameters in `block_type`.
"""

from importlib import import_module
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import Source
from reelmill.contract.spec.pipeline import Stage as StageSpec
from reelmill_stages.sources import Adapter
from reelmill_stages.stage import Stage

STAGES = {
    "clip": "reelmill_stages.clip.stage:Clip",
    "frames": "reelmill_stages.frames.stage:Frames",
    "pack": "reelmill_stages.pack.stage:Pack",
    "index": "reelmill_stages.index.stage:Index",
}

SOURCES = {
    "files": "reelmill_stages.sources.files:list_files",
    "table": "reelmill_stages.sources.table:list_rows",
    "clip4mc": "reelmill_stages.sources.clip4mc:list_clips",
    "pairs": "reelmill_stages.sources.pairs:list_pairs",
    "captions": "reelmill_stages.sources.captions:list_captions",
    "tars": "reelmill_stages.sources.tars:list_tars",
}


def stage(type_: str, params: dict[str, Any]) -> Stage:
    """The stage of a block, ready to run."""
    made: Stage = stage_class(type_)(stage_block(type_, params))
    return made


def stage_class(type_: str) -> type[Stage]:
    """The class that runs a stage block."""
    found: type[Stage] = _load(STAGES.get(type_, type_))
    return found


def stage_block(type_: str, params: dict[str, Any]) -> StageBlock:
    """The block of a stage, validated."""
    if ":" in type_:
        own: StageBlock = _load(type_).block_type.model_validate(params)
        return own
    return StageSpec.model_validate({"name": type_, type_: params}).block


def source(type_: str, params: dict[str, Any]) -> tuple[Adapter, SourceBlock]:
    """The adapter of a block and the block."""
    adapter: Adapter = _load(SOURCES.get(type_, type_))
    if ":" in type_:
        own: SourceBlock = _load(type_).block_type.model_validate(params)
        return adapter, own
    return adapter, Source.model_validate({"name": type_, type_: params}).block


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
