"""`reelmill funnel`: how many items, seconds and bytes each stage took in, kept and dropped, and why."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, emit
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.funnel import FunnelRow
from reelmill.contract.commands.funnel import funnel as funnel_of
from reelmill.contract.commands.signatures import FUNNEL_PICTURE, STATUS
from reelmill.contract.errors import SpecError


class FunnelFormat(StrEnum):
    """Forms of a funnel."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    PNG = "png"
    SVG = "svg"


def funnel(
    pipeline: Target,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Annotated[
        FunnelFormat,
        typer.Option("--output", "-o", help="Output format. png and svg are pictures: redirect them to a file."),
    ] = FunnelFormat.TABLE,
) -> None:
    """Show what each stage took in, kept and dropped, and why: items, seconds of video, and bytes.

    The numbers are those of the commits in the store, over all passes.
    """
    loaded = stored(pipeline, place, elsewhere)
    rows = funnel_of(store_commands.load(STATUS)(store_commands.task(loaded), store_commands.environment()))
    if output in (FunnelFormat.JSON, FunnelFormat.YAML):
        emit([row.to_json() for row in rows], Format(output))
    elif output is FunnelFormat.TABLE:
        _print_table(rows)
    else:
        _write_picture(rows, loaded.pipeline.metadata.name, output)


def _print_table(rows: Sequence[FunnelRow]) -> None:
    from reelmill.cli.display.console import console
    from reelmill.cli.display.funnel import lines

    out = console()
    for line in lines(rows):
        out.print(line)


def _write_picture(rows: Sequence[FunnelRow], title: str, form: FunnelFormat) -> None:
    if form is FunnelFormat.PNG and sys.stdout.isatty():
        raise SpecError(
            "a PNG cannot be shown in a terminal", hint="redirect it to a file: reelmill funnel … -o png > funnel.png"
        )
    data = store_commands.load(FUNNEL_PICTURE)(rows, title, form.value)
    if form is FunnelFormat.SVG:
        print(data.decode())
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
