"""Generator of docs/api (`make generate`): a page for each public module, from its `__all__` and docstrings.

Modules are parsed, not imported, so packages such as torch are not needed. Names outside of `__all__`, and members
whose name begins with an underscore, are private and not on a page.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/api"
PUBLIC = (
    "reelmill_stages",
    "reelmill_stages.stage",
    "reelmill_stages.plugins",
    "reelmill_stages.media",
    "reelmill_stages.datasets",
    "reelmill.spec",
)
"""The public modules. docs/api/README.md lists them, and says what a release may change."""
NOTE = "<!-- Generated from the docstrings by `make generate`: do not edit. -->\n"
WIDTH = 100
_ANNOTATED = re.compile(r"Annotated\[(.+?), Field\((?:[^()]|\([^()]*\))*\)\]")


@cache
def loaded() -> griffe.ModulesCollection:
    """The modules of both distributions, parsed."""
    loader = griffe.GriffeLoader(search_paths=[ROOT / "operator/src", ROOT / "stages/src"])
    for name in ("reelmill", "reelmill_stages"):
        loader.load(name)
    loader.resolve_aliases(implicit=True)
    return loader.modules_collection


def exported(module: str) -> dict[str, Any]:
    """Name in `__all__` -> its class, function or value."""
    found = loaded()[module]
    return {str(name): _target(found[str(name)]) for name in found.exports or ()}


@cache
def _public_paths() -> frozenset[str]:
    return frozenset(thing.path for module in PUBLIC for thing in exported(module).values())


MODELS = ("Model", "SpecModel")
"""Base classes of all models, which no page repeats."""


def members(class_: Any) -> dict[str, Any]:
    """The public members that the class defines or inherits from a base class that is not public."""
    bases = [base for base in class_.resolved_bases if base.path not in _public_paths() and base.name not in MODELS]
    inherited = {name: member for base in bases for name, member in members(base).items()}
    found = {name: member for name, member in class_.members.items() if not name.startswith("_")}
    own = {name: member for name, member in found.items() if not member.is_attribute or _is_declared(member)}
    return {**inherited, **own}


def undocumented(module: str) -> Iterator[str]:
    """Names, methods and values of a public module that have no docstring.

    A value is documented by its docstring, or by name in that of its class. Fields of a pipeline are in the field
    reference.
    """
    for name, thing in exported(module).items():
        if not text(thing):
            yield name
        if not thing.is_class:
            continue
        constructor = thing.members.get("__init__")
        words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text(thing) + text(constructor)))))
        for called, member in members(thing).items():
            known = member.is_attribute and (called.rstrip("_") in words or _is_enum(thing) or _is_model(thing))
            if not text(member) and not known:
                yield f"{name}.{called}"


def text(thing: Any) -> str:
    """The docstring; empty without one."""
    return thing.docstring.value.strip() if thing and thing.docstring else ""


def page(module: str) -> str:
    """The page of a public module."""
    parts = [NOTE, f"# `{module}`\n", text(loaded()[module]) + "\n"]
    for name, thing in exported(module).items():
        parts += [f"## `{name}`\n", *_described(name, thing)]
    return "\n".join(parts)


def rendered() -> dict[Path, str]:
    """Every page with its text."""
    return {FOLDER / f"{module}.md": page(module) for module in PUBLIC}


def _described(name: str, thing: Any) -> Iterator[str]:
    if thing.is_class:
        yield from _class(name, thing)
    elif thing.is_function:
        yield from (_code(_signature(name, thing)), text(thing) + "\n")
    else:
        yield from (_code(f"{name} = {thing.value}"), text(thing) + "\n")


def _class(name: str, class_: Any) -> Iterator[str]:
    bases = ", ".join(f"`{base}`" for base in class_.bases if str(base) not in (*MODELS, "Block", "Struct"))
    shown = members(class_)
    constructor = _of_struct(class_) if _is_struct(class_) else class_.members.get("__init__")
    has_parameters = constructor is not None and not _is_model(class_)
    yield _code(_signature(f"class {name}", constructor, returns=False) if has_parameters else f"class {name}")
    if bases:
        yield f"Base classes: {bases}.\n"
    if text(class_):
        yield text(class_) + "\n"
    if has_parameters and text(constructor):
        yield text(constructor) + "\n"
    if values := [_value(called, member) for called, member in shown.items() if member.is_attribute]:
        yield "\n".join(values) + "\n"
    for called in ("__len__", "__getitem__", "__iter__", "__call__"):
        if called in class_.members and text(class_.members[called]):
            yield from _method(name, called, class_.members[called])
    for called, member in shown.items():
        if member.is_function:
            yield from _method(name, called, member)


def _is_struct(class_: Any) -> bool:
    return any(str(base) == "Struct" for base in class_.bases)


def _of_struct(class_: Any) -> griffe.Function:
    """The constructor that msgspec generates for a struct, with a parameter for each field."""
    fields = [member for name, member in class_.members.items() if member.is_attribute and not name.startswith("__")]
    kind = griffe.ParameterKind.positional_or_keyword
    return griffe.Function(
        "__init__",
        parameters=griffe.Parameters(
            *(
                griffe.Parameter(one.name, annotation=one.annotation, kind=kind, default=_default(one.value))
                for one in fields
            )
        ),
    )


def _default(value: Any) -> str | None:
    return None if value is None else re.sub(r"field\(default_factory=(\w+)\)", r"\1()", str(value))


def _method(class_: str, name: str, function: Any) -> Iterator[str]:
    yield f"### `{class_}.{name}`\n"
    yield _code(_signature(name, function))
    if text(function):
        yield text(function) + "\n"


def _value(name: str, value: Any) -> str:
    type_ = _type(value.annotation)
    is_plain = value.value is not None and "property" not in value.labels and "(" not in str(value.value)
    default = f" = {value.value}" if is_plain and (type_ or _is_enum(value.parent)) else ""
    said = " ".join(text(value).split())
    return f"- `{name}{f': {type_}' if type_ else ''}{default}`{f': {said}' if said else ''}"


def _signature(name: str, function: Any, *, returns: bool = True) -> str:
    """A signature on one line, or with one parameter per line if it is long."""
    parts, star = [], False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind.value
        if kind == "keyword-only" and not star:
            parts, star = [*parts, "*"], True
        type_ = _type(parameter.annotation)
        equals = " = " if type_ else "="
        prefix = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        default = f"{equals}{parameter.default}" if parameter.default is not None and not prefix else ""
        parts.append(f"{prefix}{parameter.name}{f': {type_}' if type_ else ''}{default}")
    end = f" -> {_type(function.returns)}" if returns and function.returns is not None else ""
    line = f"{name}({', '.join(parts)}){end}"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){end}"


def _type(annotation: Any) -> str:
    """An annotation without quotes, and without the bounds that pydantic checks (docs/reference.md has those)."""
    plain = _ANNOTATED.sub(r"\1", str(annotation or ""))
    return plain if "Literal" in plain else plain.replace('"', "").replace("'", "")


def _code(source: str) -> str:
    return f"```python\n{source}\n```\n"


def _target(thing: Any) -> Any:
    return thing.final_target if thing.is_alias else thing


def _is_declared(member: Any) -> bool:
    """Whether a value belongs on the page: it has a docstring or an annotation, or is a member of an enum."""
    return bool(member.docstring) or member.annotation is not None or bool(member.parent and _is_enum(member.parent))


def _is_enum(class_: Any) -> bool:
    return any(str(base).endswith("Enum") for base in class_.bases)


def _is_model(class_: Any) -> bool:
    """Whether its fields are those of a pydantic model, which docs/reference.md describes."""
    return any(base.name == "Model" for base in class_.mro())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in rendered().items():
        path.write_text(content)
