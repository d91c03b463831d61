"""One rule for the help of all commands, whatever the version of typer.

Names of arguments and of values of options are in capitals. A value is named after the last word of its option, and a
number NUMBER, unless the option declares a `metavar`; a choice lists its words. An argument that may be omitted is in
brackets, and one that may be repeated ends with `...`.
"""

import enum
from inspect import Parameter
from typing import Any, get_args

from typer.core import TyperCommand
from typer.models import ArgumentInfo, OptionInfo


class PlainCommand(TyperCommand):
    """A command whose help has this form; its parameters are named by `name_values`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line; typer puts required arguments in braces."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, without their types, and the options."""
        shown = [(parameter, parameter.get_help_record(ctx)) for parameter in self.get_params(ctx)]
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            rows = [
                (parameter.metavar if kind == "argument" else record[0], record[1])
                for parameter, record in shown
                if record and parameter.param_type_name == kind
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def name_values(parameters: list[Parameter]) -> None:
    """Give the arguments and options of a command's function the names that their help shows."""
    for parameter in parameters:
        kind, *more = get_args(parameter.annotation)
        name = parameter.name.rstrip("_").upper()
        for declared in more:
            if isinstance(declared, ArgumentInfo):
                declared.metavar = declared.metavar or name
            elif isinstance(declared, OptionInfo):
                declared.metavar = declared.metavar or _value_name(_types(kind), name.rpartition("_")[2])


def _types(kind: Any) -> set[Any]:
    """Return the types in `int | None` or `list[str]`."""
    parts = get_args(kind)
    return set().union(*map(_types, parts)) if parts else {kind}


def _value_name(types: set[Any], name: str) -> str | None:
    """Return the name of an option's value; None: a flag, or a choice."""
    if bool in types or any(isinstance(each, enum.EnumMeta) for each in types):
        return None
    return "NUMBER" if types & {int, float} else name
