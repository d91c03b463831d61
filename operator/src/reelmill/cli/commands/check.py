"""`reelmill check`: verify written files by the rules of their consumer."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import stored
from reelmill.cli.display.output import Format, Output, show
from reelmill.cli.display.terminal import say
from reelmill.cli.exits import CommandExit
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.rows import FindingRow
from reelmill.contract.commands.signatures import CHECK, CHECK_STAGE

COLUMNS = ("format", "file", "rule", "ok", "message")


def check(
    target: Annotated[str, typer.Argument(help="A folder; with --stage, a pipeline file or name.")],
    stage: Annotated[
        str, typer.Option("--stage", "-s", help="Check the data set of this stage in the pipeline's store.")
    ] = "",
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="Check as this format; repeatable. Default: every format that matches."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also show rules that hold.")] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Verify written files by the rules of their consumer.

    Exits with code 65 if a rule is broken.
    """
    formats = tuple(format_ or ())
    if stage:
        loaded = stored(target, place, elsewhere)
        check_stage = store_commands.load(CHECK_STAGE)
        found = check_stage(
            store_commands.task(loaded), store_commands.environment(), stage=loaded.stage(stage), formats=formats
        )
    else:
        found = store_commands.load(CHECK)(Path(target), formats)
    report(list(found), every=every, output=output)


def report(found: list[FindingRow], *, every: bool, output: Format) -> None:
    """Show findings; exits with code 65 if a rule is broken."""
    bad = [finding for finding in found if not finding.ok]
    shown = found if every or not output.for_people else bad
    if shown or not output.for_people:
        show([finding.to_json() for finding in shown], output, columns=COLUMNS)
    files = len({(finding.format, finding.file) for finding in found})
    formats = ", ".join(dict.fromkeys(finding.format for finding in found)) or "nothing"
    say(f"{formats}: {files} files, {len(found)} rules checked, {len(bad)} broken")
    if bad:
        raise typer.Exit(CommandExit.ITEMS)
