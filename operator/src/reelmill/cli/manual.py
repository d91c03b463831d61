"""Generate docs/cli.md from the commands: `python -m reelmill.cli.manual` writes the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from reelmill.cli import exit_codes as exits
from reelmill.cli.app import app

PAGE = Path("docs/cli.md")

HEAD = """# The command line

Generated from the commands by `make generate`. Do not edit this page.

**A name refers to the cluster, a file refers to the store.** An argument of lower-case letters, digits and hyphens is
the name of a pipeline in the cluster; anything else, such as `pipeline.yaml` or `./pipeline`, is a file. Given a file,
a command runs on this machine and reads everything else from the store that the file names; `--store` and `--endpoint`
select another store. Given a name, a command reads the resource from the cluster, and reads the store that the resource
names with your own credentials. Use `--endpoint` if your machine reaches that store at another address than the pods.

`kubectl reelmill …` is the same program: kubectl finds `kubectl-reelmill` on your PATH. `--context`, `--kubeconfig` and
`-n` have the same meaning as in kubectl and follow the command's name; by default, the current context of your
kubeconfig and its namespace are used. [More about the commands for the cluster](kubectl.md).

Results are written to standard output: as a table, as a table with more columns (`-o wide`), or with every field
(`-o json`, `-o yaml`). Progress and errors are written to standard error. `NO_COLOR` is respected. If standard error
is not a terminal, progress is reported as plain lines. `reelmill --install-completion` installs shell completion.

Credentials for an S3 store are read from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, optionally
`AWS_SESSION_TOKEN`) or from the machine's identity. Credentials for a source `raw` that has a `secretRef` of its own
are read from the same variables with the prefix `RAW_`. A store in Azure Blob Storage needs `AZURE_STORAGE_ACCOUNT` and
either `AZURE_STORAGE_KEY`, `AZURE_STORAGE_SAS_TOKEN` or an identity; one in Google Cloud Storage
`GOOGLE_SERVICE_ACCOUNT_KEY` or an identity. Private data sets of the Hugging Face Hub need `HF_TOKEN`.

## Exit codes
"""


def manual() -> str:
    """The page as Markdown."""
    table = (exits.__doc__ or "").partition("\n\n")[2].strip()
    group: Any = typer.main.get_command(app)
    parts = [HEAD, table, ""]
    for name, command in group.commands.items():
        parts += _command_section(name, command)
    return "\n".join(parts)


def _command_section(name: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    yield f"## reelmill {name}\n"
    yield " ".join((command.help or "").split()) + "\n"
    yield "| argument or option | meaning |\n| --- | --- |"
    for argument in arguments:
        yield f"| `{argument.metavar or argument.name.upper()}` | {_one_line(argument.help)} |"
    for option in options:
        yield f"| `{', '.join(option.opts)}` | {_one_line(option.help)} |"
    yield ""


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(manual())
