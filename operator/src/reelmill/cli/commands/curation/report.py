"""`reelmill report`: one HTML file about what a pipeline has done."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.run_definition import definition_of
from reelmill.contract.commands.signatures import REPORT
from reelmill.contract.errors import SpecError
from reelmill.contract.output_file import check_may_replace

STDOUT = "-"
_GENERATOR = b'<meta name="generator" content="reelmill '
_HEAD = 4096
"""Bytes of a report in which its generator is named."""


def report(
    pipeline: Target,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is standard output.")
    ] = "report.html",
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
) -> None:
    """Write a report about the data of a pipeline: one HTML file that can be viewed without a network.

    It shows the funnel, examples of results and of each class of loss, the distribution of every field, times, cost and
    provenance, all as of one moment. The store may be written to meanwhile; the command writes nothing to it.
    """
    loaded = stored(pipeline, place, elsewhere)
    command = store_commands.load(REPORT)
    if output != STDOUT:
        _check_output_file(Path(output))
    made = command(store_commands.task(loaded), store_commands.environment(), definition_of(loaded))
    if output == STDOUT:
        print(made.html, end="")
        return
    _write_report(Path(output), made.html)
    say(f"{output}: {made.verdict.word}. {made.verdict.sentence}")


def _check_output_file(path: Path) -> None:
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises OSError for a name that is too long
        raise SpecError("this is a folder, not a file", where=str(path), hint=f"name a file: {path}/report.html")
    if not os.path.isdir(path.parent):  # noqa: PTH112
        raise SpecError("no such folder", where=str(path.parent), hint="create it, or write the report elsewhere")
    check_may_replace(path, _is_report, option="--output")


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return _GENERATOR in file.read(_HEAD)


def _write_report(path: Path, html: str) -> None:
    """Write the file whole or not at all. What is there and is no file, such as a device, is written to."""
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.new")
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            path.write_text(html, encoding="utf-8")
            return
        new.write_text(html, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise SpecError(
            f"the report cannot be written: {error.strerror}", where=str(path), hint="choose another file"
        ) from error
