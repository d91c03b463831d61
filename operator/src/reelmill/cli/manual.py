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

**A name addresses the cluster, a file addresses the store.** A word of small letters, digits and hyphens is the name
of a pipeline in the cluster; anything else, such as `pipeline.yaml` or `./pipeline`, is a file. For a file a command
finds everything else in the store that it names, and runs on this machine; `--store` and `--endpoint` put another store
in its place. For a name it asks the cluster's resource, and what only the store knows it reads from the store that the
resource names, with your own credentials (`--endpoint`, where pods reach that store under another address than you).

`kubectl reelmill …` is the same program: kubectl finds `kubectl-reelmill` on your PATH. `--context`, `--kubeconfig` and
`-n` are kubectl's, and come behind the command's name; without them, your kubeconfig's context and its namespace count.
[More about the cluster's commands](kubectl.md).

Results come on standard output, as a table, with `-o wide` as a table with more in it, or as `-o json` or `-o yaml`
with every field; progress and errors come on standard error. `NO_COLOR` is respected, and where standard error is no
terminal, progress is a plain line now and then. `reelmill --install-completion` teaches your shell the commands.

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
