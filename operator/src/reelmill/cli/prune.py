"""`reelmill prune`: remove what nobody claims any more."""

import time
from typing import Annotated

import typer

from reelmill.cli import bridge, pipeline
from reelmill.cli.output import Format, Output, say, show, size

COLUMNS = ("name", "key", "objects", "bytes", "deleted")


def prune(
    file: pipeline.File,
    delete: Annotated[bool, typer.Option("--delete", help="Really delete; left out: only say what would go.")] = False,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    output: Output = Format.TABLE,
) -> None:
    """Find data sets in the store that no pipeline claims, such as those of former definitions, and delete them."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    rows = bridge.rows("prune", loaded, delete=delete, now=time.time())
    if rows or output is not Format.TABLE:
        show(rows, output, columns=COLUMNS)
    total = size(sum(row["bytes"] for row in rows))
    if not rows:
        say("nothing to prune: everything is claimed")
    elif delete:
        say(f"deleted {len(rows)} data sets, {total}")
    else:
        say(f"would delete {len(rows)} data sets, {total}: say --delete to do it")
