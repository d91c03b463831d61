"""The page about the command line, made from the commands themselves: `python -m reelmill.cli.manual` writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from reelmill.cli import exits
from reelmill.cli.app import app

PAGE = Path("docs/cli.md")

HEAD = """# The command line

Generated from the commands by `make generate`: do not edit.

A command takes a pipeline file and finds everything else in the store that the file names; `--store` and `--endpoint`
put another store in its place. Results come on standard output, as a table, or as `-o json` or `-o yaml` with every
field; progress and errors come on standard error. `NO_COLOR` is respected, and where standard error is no terminal,
progress is a plain line now and then. `reelmill --install-completion` teaches your shell the commands.

Credentials of an S3 store come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, optionally
`AWS_SESSION_TOKEN`), or from the identity of the machine; those of a source `raw` with a `secretRef` of its own from
the same names with `RAW_` in front.

## Exit codes
"""


def manual() -> str:
    """The page as Markdown."""
    table = (exits.__doc__ or "").partition("\n\n")[2].strip()
    group: Any = typer.main.get_command(app)
    parts = [HEAD, table, ""]
    for name, command in group.commands.items():
        parts += _command(name, command)
    return "\n".join(parts)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    yield f"## reelmill {name}\n"
    yield " ".join((command.help or "").split()) + "\n"
    yield "| argument or option | meaning |\n| --- | --- |"
    for argument in arguments:
        yield f"| `{argument.metavar or argument.name.upper()}` | {_line(argument.help)} |"
    for option in options:
        yield f"| `{', '.join(option.opts)}` | {_line(option.help)} |"
    yield ""


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(manual())
