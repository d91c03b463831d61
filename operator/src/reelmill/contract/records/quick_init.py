"""Frozen dataclasses of which millions are made: an `__init__` that takes a third of the time of the generated one."""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick_init(kind: type[T]) -> type[T]:
    """Let a frozen dataclass with slots assign its fields, where `dataclass` calls `object.__setattr__` for each.

    While its fields are assigned, an instance is one of a class with the same slots that is not frozen. Parameters,
    defaults and `__post_init__` are those of the dataclass, all of whose fields must be parameters.
    """
    slots = {"__slots__": kind.__slots__, "__module__": kind.__module__}  # type: ignore[attr-defined]
    names: dict[str, Any] = {"set_": object.__setattr__, "open_": type(kind.__name__, (), slots), "kind_": kind}
    given, lines = [], ["set_(self, '__class__', open_)"]
    for each in fields(kind):  # type: ignore[arg-type]
        name = value = each.name
        names[f"{name}_"] = default = each.default_factory if each.default is MISSING else each.default
        given.append(name if default is MISSING else f"{name}={name}_")
        if each.default_factory is not MISSING:
            value = f"{name}_() if {name} is {name}_ else {name}"
        lines.append(f"self.{name} = {value}")
    lines.append("self.__class__ = kind_")
    if hasattr(kind, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__(self, {', '.join(given)}):\n " + "\n ".join(lines)
    exec(source, names)  # noqa: S102 - of the names of fields alone, as `dataclass` itself does
    made = names["__init__"]
    made.__annotations__ = kind.__init__.__annotations__
    made.__qualname__ = kind.__init__.__qualname__
    made.__module__ = kind.__module__
    kind.__init__ = made  # type: ignore[method-assign]
    return kind
