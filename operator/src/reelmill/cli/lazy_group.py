"""A group that imports commands when they are called, so that `--help` and `--version` import none of them."""

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from reelmill.cli.help_text import PlainCommand
from reelmill.cli.input.options import spread
from reelmill.contract.text.terminal import printable


class LazyCommands(Mapping[str, Any]):
    """Name -> command. `modules` maps names to modules: a module has the function `name`, or a group `app`.

    Functions have `_` where names have `-`.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._made: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, import_module(self._modules[name]))
        return self._made[name]

    def summary(self, name: str) -> str:
        """The first line of a command's docstring, read from the source without importing the module."""
        found = find_spec(self._modules[name])
        if found is not None and found.origin:
            for node in ast.parse(Path(found.origin).read_bytes()).body:
                if isinstance(node, ast.FunctionDef) and node.name == _function(name):
                    return (ast.get_docstring(node) or "").partition("\n")[0]
        return (self[name].help or "").partition("\n")[0]


def _command(name: str, module: Any) -> Any:
    function = getattr(module, _function(name), None)
    if function is None:
        return typer.main.get_command(module.app)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=PlainCommand)(spread(function))
    return typer.main.get_command(alone)


def _function(name: str) -> str:
    return name.replace("-", "_")


class LazyGroup(TyperGroup):
    """A group of `LazyCommands`, whose help has sections."""

    commands: Any
    sections: Mapping[str, Mapping[str, str]]

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _printable_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _printable_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands))
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), self.commands.summary(name)) for name in names])


@contextmanager
def _printable_errors() -> Iterator[None]:
    """Escape control characters in errors about arguments, which name files if a shell has expanded a pattern."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message"):
            error.message = printable(error.message)  # type: ignore[attr-defined]
        raise


def lazy_group(sections: Mapping[str, Mapping[str, str]]) -> type[LazyGroup]:
    """The class of a group for `typer.Typer(cls=…)`. Each section of its help has `modules` as in `LazyCommands`."""

    class Group(LazyGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.sections = sections
            self.commands = LazyCommands({name: module for part in sections.values() for name, module in part.items()})

    return Group
