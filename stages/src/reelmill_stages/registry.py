"""Lookup and on-demand import of the code of stages, sources and checks by the names of their blocks.

The fields of `StageSpec` and `SourceSpec` are the only registration. The rest is derived from the name of the field:

- stage `clip`: `ClipBlock` in `reelmill.contract.spec.stages.clip`, `ClipStage` in `reelmill_stages.stages.clip.stage`
- source `files`: `FilesBlock` in `reelmill.contract.spec.sources.files`, and `list_items` in
  `reelmill_stages.sources.files`
- check of a stage's files, if they have rules: `reelmill_stages.stages.clip.check` names their format in `FORMAT`
  (`clips`) and contains `ClipsCheck`

A step imports only the code of its stage, never the models of the whole resource.

A `run` stage, or a type with a colon (`module:name`), is a custom class or function whose attribute `block_type` is the
model of its parameters; it is imported only if its module declares it (see `user_code`). `own_code` returns what a
block would import, so that commands that only read can skip it.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import Block, SourceBlock, StageBlock
from reelmill.contract.spec.stages.run import RunBlock
from reelmill_stages import stages
from reelmill_stages.format_checks import Check
from reelmill_stages.sources import Adapter
from reelmill_stages.stage import Stage
from reelmill_stages.user_code import load
from reelmill_stages.user_stage import own_block, own_class

_EXTRAS = "text, scenes, parquet, lance, tokens, measure, grid, embed, transnet, caption, speech or whisper"
RUN = "run"
"""The block for custom stage classes."""


def own_code(type_: str, params: Mapping[str, Any]) -> str:
    """Return the `module:name` of the custom code that a source or stage would import; empty if there is none.

    (A sampler of `pack` is imported later, by the steps that use it.)
    """
    if ":" in type_:
        return type_
    named = params.get({RUN: "entrypoint", "captions": "dataset"}.get(type_, ""), "")
    return named if isinstance(named, str) and ":" in named else ""


def stage(type_: str, params: dict[str, Any]) -> Stage:
    """Return an instance of the stage for a block type and its parameters.

    Raises SpecError if it cannot be imported.
    """
    return stage_class(type_, params)(stage_block(type_, params))


def stage_class(type_: str, params: dict[str, Any]) -> type[Stage]:
    """Return the class for a block type. Raises SpecError if it cannot be imported."""
    path, _ = _own(type_, params)
    if path:
        return own_class(path)
    found: type[Stage] = _load("stage", type_, f"reelmill_stages.stages.{type_}.stage", f"{type_.capitalize()}Stage")
    return found


def stage_block(type_: str, params: dict[str, Any]) -> StageBlock:
    """Return the validated block of a stage; for a custom class, an instance of its `block_type`."""
    path, own = _own(type_, params)
    return own_block(path, own) if path else _block("stages", type_).model_validate(params)


def _own(type_: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return (import path, parameters) of a custom class; the path is empty for a built-in stage."""
    if type_ == RUN:
        block = RunBlock.model_validate(params)
        return block.entrypoint, block.own_params
    return (type_, params) if ":" in type_ else ("", {})


def source(type_: str, params: dict[str, Any]) -> tuple[Adapter, SourceBlock]:
    """Return (adapter, validated block) of a source. Raises SpecError if the adapter cannot be imported."""
    if ":" in type_:
        own = load(type_, "adapter")
        return own, own.block_type.model_validate(params)
    adapter: Adapter = _load("source", type_, f"reelmill_stages.sources.{type_}", "list_items")
    block: SourceBlock = _block("sources", type_).model_validate(params)
    return adapter, block


def uri_field(type_: str) -> str:
    """Return the name of the field with the location of a source; `uri` for a custom adapter, without importing it."""
    found: str = "uri" if ":" in type_ else _block("sources", type_).uri_field
    return found


def check_source(type_: str, params: dict[str, Any]) -> None:
    """Check the parameters of a built-in source without listing it. Raises SpecError if its adapter rejects them.

    An adapter with such rules implements them in a function `check`, next to `list_items`.
    """
    module = import_module(f"reelmill_stages.sources.{type_}") if type_.isidentifier() else None
    if check := getattr(module, "check", None):
        check(_block("sources", type_).model_validate(params))


def checks() -> dict[str, Check]:
    """Return the check of each format, sorted by name. Imports the checks of all stages."""
    found: dict[str, Check] = {}
    for stage_ in iter_modules(stages.__path__):
        name = f"{stages.__name__}.{stage_.name}.check"
        if find_spec(name) is not None:
            module = import_module(name)
            found[module.FORMAT] = getattr(module, f"{module.FORMAT.capitalize()}Check")()
    return dict(sorted(found.items()))


def block(kind: str, type_: str, params: dict[str, Any]) -> Block:
    """Return the validated block of a built-in stage or source; `kind` is `stages` or `sources`."""
    found: Block = _block(kind, type_).model_validate(params)
    return found


def has_check(type_: str) -> bool:
    """Whether a built-in stage has a check for its files."""
    return type_.isidentifier() and find_spec(f"{stages.__name__}.{type_}.check") is not None


def _block(kind: str, type_: str) -> Any:
    """Return the model of a block, such as `ClipBlock` for `clip`, without importing the whole resource."""
    return _load(kind[:-1], type_, f"reelmill.contract.spec.{kind}.{type_}", f"{type_.capitalize()}Block")


def _load(kind: str, type_: str, module: str, name: str) -> Any:
    """Import `name` from the module of a block. Raises SpecError for an unknown type or a missing package."""
    if not (type_.isidentifier() and type_.isascii()):
        raise _unknown(kind, type_)
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise _unknown(kind, type_) from error
        if error.name is None or error.name.startswith("reelmill"):
            raise
        raise SpecError(
            f"the package {error.name!r} is not installed",
            where=module,
            hint=f"install reelmill-stages with its extra: {_EXTRAS}",
        ) from error
    if not hasattr(found, name):
        raise _unknown(kind, type_)
    return getattr(found, name)


def _unknown(kind: str, type_: str) -> SpecError:
    return SpecError(
        f"unknown {kind} type {type_!r}",
        where=f"{kind}s",
        hint="reelmill and reelmill-stages must have the same version; in a cluster, the image must have it too",
    )
