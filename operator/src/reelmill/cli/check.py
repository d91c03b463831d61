"""`reelmill check`: would the consumer take this?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from reelmill.cli import bridge
from reelmill.cli.exits import Exit
from reelmill.cli.options import AS_NAMED, HERE, Elsewhere, Place
from reelmill.cli.output import Format, Output, say, show
from reelmill.cli.target import stored

COLUMNS = ("format", "file", "rule", "ok", "message")


def check(
    target: Annotated[str, typer.Argument(help="A folder, or a pipeline (a file or a name) together with --stage.")],
    stage: Annotated[str, typer.Option("--stage", "-s", help="What this stage of the pipeline has in its store.")] = "",
    format_: Annotated[list[str] | None, typer.Option("--format", help="The format; left out: all that fit.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show what is right, too.")] = False,
    elsewhere: Elsewhere = AS_NAMED,
    place: Place = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Open what a stage wrote with the rules of its consumer.

    Exit code 65: a rule is broken.
    """
    formats = tuple(format_ or ())
    if stage:
        loaded = stored(target, place, elsewhere)
        found = bridge.rows("check-stage", loaded, stage=loaded.stage(stage), formats=formats)
    else:
        found = list(bridge.command("check")(Path(target), formats))
    report(found, every=every, output=output)


def report(found: list[dict[str, Any]], *, every: bool, output: Format) -> None:
    """Show findings; leaves with 65 when one is bad."""
    bad = [finding for finding in found if not finding["ok"]]
    shown = found if every or not output.for_people else bad
    if shown or not output.for_people:
        show(shown, output, columns=COLUMNS)
    files = len({(finding["format"], finding["file"]) for finding in found})
    formats = ", ".join(dict.fromkeys(finding["format"] for finding in found)) or "nothing"
    say(f"{formats}: {files} files, {len(found)} rules looked at, {len(bad)} broken")
    if bad:
        raise typer.Exit(Exit.ITEMS)
