"""`reelmill prune`: remove what nobody claims any more."""

import time
from typing import Annotated

import typer

from reelmill.cli import bridge
from reelmill.cli.options import AS_NAMED, HERE, Elsewhere, Place
from reelmill.cli.output import Format, Output, say, show, size
from reelmill.cli.target import Target, stored

COLUMNS = ("name", "key", "objects", "bytes", "deleted")


def prune(
    pipeline: Target,
    delete: Annotated[bool, typer.Option("--delete", help="Really delete; left out: only say what would go.")] = False,
    elsewhere: Elsewhere = AS_NAMED,
    place: Place = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Delete data sets that no pipeline claims any more.

    Such as those of former definitions. Without --delete they are only named.
    """
    loaded = stored(pipeline, place, elsewhere)
    rows = bridge.rows("prune", loaded, delete=delete, now=time.time())
    if rows or not output.for_people:
        show(rows, output, columns=COLUMNS)
    total = size(sum(row["bytes"] for row in rows))
    if not rows:
        say("nothing to prune: everything is claimed")
    elif delete:
        say(f"deleted {len(rows)} data sets, {total}")
    else:
        say(f"would delete {len(rows)} data sets, {total}: say --delete to do it")
