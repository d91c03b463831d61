"""Safe import of user code that a pipeline names as `module:name`.

Importing a module executes it, and a pipeline file may name any module that Python finds. A module is therefore
imported only if it is outside Python's standard library and its source declares the name at the top level:

    __reelmill__ = ["Facts"]

The declaration is parsed from the source (`ast`), which Python's path finder locates, so this check executes neither
the module nor its parent packages. Only steps that run a pipeline import user code; read-only commands never do.
"""

import ast
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import decode_source
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ReelmillError, SpecError

MARKER = "__reelmill__"
"""Name of the list in which a module declares the names that a pipeline may use."""

_PARSER = threading.Lock()
"""Serializes parsing: Python 3.11 raises SystemError if two threads build syntax trees at once."""


def load(path: str, kind: str) -> Any:
    """Import and return the object `module:name`; `kind` (`stage`, `sampler`, `adapter`) is for messages.

    Raises SpecError if the module is missing, does not declare the name, cannot be imported, or lacks the name.
    """
    module, _, name = path.partition(":")
    _check(path, kind, module, name)
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        raise SpecError(
            f"{module} needs the package {error.name!r}, which is not installed here",
            where=path,
            hint="install it where the stage runs: in this Python, or in the image",
        ) from error
    except ReelmillError:
        raise
    except (Exception, SystemExit) as error:
        raise SpecError(
            f"importing {module} fails: {type(error).__name__}: {error}",
            where=path,
            hint=f"to see why, run python -P -m {module}",
        ) from error
    if not hasattr(imported, name):
        raise SpecError(
            f"the module {module} declares {name} but does not define it",
            where=path,
            hint=f"define it, or correct its {MARKER}",
        )
    return getattr(imported, name)


def _check(path: str, kind: str, module: str, name: str) -> None:
    """Raise SpecError unless the module declares the name. Does not execute the module."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        raise SpecError(
            f"{module} belongs to Python's standard library and is not a {kind} of your own",
            where=path,
            hint="name a module of your own; a module with the name of a standard module must be renamed",
        )
    spec = _find(module)
    if spec is None:
        raise SpecError(
            f"the module {module!r} was not found, so the {kind} cannot be loaded",
            where=path,
            hint="on one machine: install it next to reelmill-stages, or add its folder to PYTHONPATH; in a "
            "cluster: the image of the pods that use it must contain it",
        )
    source = _source(spec)
    if source is None:
        raise SpecError(
            f"the module {module} has no Python source that could declare the {kind}",
            where=path,
            hint=f'import it in a small Python module with the line {MARKER} = ["{name}"], and name that module',
        )
    file = spec.origin or module
    try:
        names = _declared(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpecError(
            f"{file} cannot be read as Python: {type(error).__name__}: {error}", where=path, hint="fix the module"
        ) from error
    if names is None:
        raise SpecError(
            f"{file} does not declare itself to reelmill, so the {kind} is not imported",
            where=path,
            hint=f'if you trust this code, add the line {MARKER} = ["{name}"] to it, outside of any block',
        )
    if name not in names:
        raise SpecError(
            f"{file} does not declare {name} to reelmill; it declares {', '.join(names) or 'nothing'}",
            where=path,
            hint=f'if you trust this code, add "{name}" to the list {MARKER} in it',
        )


def _find(module: str) -> ModuleSpec | None:
    """Return the spec that an import of the module would use. Parent packages are looked up, not imported."""
    loaded = sys.modules.get(module)
    if loaded is not None and loaded.__spec__ is not None:
        return loaded.__spec__
    first, *rest = module.split(".")
    finders: tuple[Any, ...] = (PathFinder, *(finder for finder in sys.meta_path if finder is not PathFinder))
    spec = next((spec for finder in finders if (spec := finder.find_spec(first, None)) is not None), None)
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # Only the last part: with a full name, the finder would need the parent package, which is not imported.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec


def _source(spec: ModuleSpec) -> str | None:
    """Return the module's source; None if it has none (compiled, built in, or a folder without `__init__.py`)."""
    if spec.has_location and spec.origin and spec.origin.endswith(".py") and Path(spec.origin).is_file():
        try:
            return decode_source(Path(spec.origin).read_bytes())
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise SpecError(f"the module cannot be read: {error}", where=spec.origin, hint="fix the module") from error
    read = getattr(spec.loader, "get_source", None)  # in a zip file
    try:
        return (read(spec.name) or None) if read else None
    except ImportError:
        return None


def _declared(source: str) -> Sequence[str] | None:
    """Return the names in the last `__reelmill__ = [...]` at the top level; None if there is none.

    Raises ValueError if the value is not a plain list of strings.
    """
    found: Sequence[str] | None = None
    if MARKER not in source:
        return found
    with _PARSER:
        statements = ast.parse(source).body
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == MARKER:
                found = _names(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == MARKER:
                found = _names(value)
    return found


def _names(value: ast.expr) -> Sequence[str]:
    if isinstance(value, ast.List | ast.Tuple):
        names = [part.value for part in value.elts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if len(names) == len(value.elts):
            return names
    raise ValueError(f'{MARKER} is not a plain list of names: write {MARKER} = ["Name"]')
