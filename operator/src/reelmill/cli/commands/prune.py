"""`reelmill prune`: remove what nobody claims any more."""

import time
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, say, show, size
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride

COLUMNS = ("name", "key", "objects", "bytes", "deleted")


def prune(
    pipeline: Target,
    delete: Annotated[bool, typer.Option("--delete", help="Really delete; left out: only say what would go.")] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Delete data sets that no pipeline claims any more.

    Such as those of former definitions. Without --delete they are only named.
    """
    loaded = stored(pipeline, place, elsewhere)
    rows = store_commands.rows("prune", loaded, delete=delete, now=time.time())
    if rows or not output.for_people:
        show(rows, output, columns=COLUMNS)
    total = size(sum(row["bytes"] for row in rows))
    if not rows:
        say("nothing to prune: everything is claimed")
    elif delete:
        say(f"deleted {len(rows)} data sets, {total}")
    else:
        say(f"would delete {len(rows)} data sets, {total}: say --delete to do it")
