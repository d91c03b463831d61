"""`reelmill prune`: delete data sets that no pipeline claims."""

import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, is_name, stored
from reelmill.cli.display.output import Format, Output, show, size
from reelmill.cli.display.terminal import say
from reelmill.cli.identity import identity
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.prune_rows import PruneResult
from reelmill.contract.commands.signatures import PRUNE
from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.terminal import printable

COLUMNS = ("name", "key", "objects", "bytes", "deleted")
_MOST_NAMES = 5
"""Names in one line, at most."""


def prune(
    pipeline: Target,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the data sets. Without it, only list them.")] = False,
    trash: Annotated[
        bool, typer.Option("--trash", help="Move the data sets to _reelmill/trash/TIME/ in the same store.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    release: Annotated[
        list[str] | None,
        typer.Option(
            "--release", metavar="CLAIM", help="Remove this claim of a pipeline that no longer exists. Repeatable."
        ),
    ] = None,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Delete data sets that no pipeline claims.

    Examples are the data sets of earlier definitions. Without --delete or --trash, the command only lists them. On a
    terminal, both ask for confirmation. Only files that reelmill wrote are deleted; all others are kept and listed.
    With --delete or --trash, --release removes the claim of another pipeline.
    """
    if delete and trash:
        raise SpecError("--delete and --trash cannot be used together", hint="use --trash to keep what is removed")
    loaded = stored(pipeline, place, elsewhere)
    task = store_commands.task(loaded)
    if not is_name(pipeline):
        loaded = replace(loaded, uid=identity(loaded, task, make=False))
    released, going = tuple(release or ()), delete or trash
    only: list[str] | None = None
    if going and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        only = _confirmed_data_sets(_call_prune(loaded, delete=False, release=released), task.store.uri, trash=trash)
    found = _call_prune(loaded, delete=going, trash=trash, release=released, only=only)
    rows = [row.to_json() for row in found.rows]
    if rows or not output.for_people:
        show(rows, output, columns=COLUMNS)
    if not found.data_sets:
        say(f"nothing to prune: there are no data sets in {task.store.uri}")
        return
    _say_done(found, deleted=delete, moved=trash, released=released)
    _say_kept(found, loaded.document.file)


def _call_prune(
    loaded: Loaded,
    *,
    delete: bool,
    trash: bool = False,
    release: Collection[str] = (),
    only: Collection[str] | None = None,
) -> PruneResult:
    environment, now = store_commands.environment(), time.time()
    return store_commands.load(PRUNE)(
        loaded.task(), environment, delete=delete, now=now, trash=trash, release=release, only=only
    )


def _confirmed_data_sets(found: PruneResult, store: str, *, trash: bool) -> list[str]:
    """Show what would be deleted and ask; gives the data sets that may be. Exits if the answer is no."""
    if not found.rows:
        return []
    for row in found.rows:
        say(f"  {row.name}/{row.key}  {count_of(row.objects, 'object')}, {size(row.bytes)}")
    what = "Move these data sets to the trash of" if trash else "Delete these data sets from"
    if not typer.confirm(printable(f"{what} {store}?"), err=True):
        say("nothing was deleted")
        raise typer.Exit
    return [f"{row.name}/{row.key}" for row in found.rows]


def _say_done(found: PruneResult, *, deleted: bool, moved: bool, released: Sequence[str]) -> None:
    rows = [row for row in found.rows if row.deleted or not (deleted or moved)]
    total = size(sum(row.bytes for row in rows))
    if released and (deleted or moved):
        say(f"released {', '.join(released)}")
    if not rows:
        say("nothing to prune: every data set is claimed")
    elif moved:
        say(f"moved {count_of(len(rows), 'data set')}, {total}, to {found.trash}")
        say("to restore one, move its objects back to the same place below the root of the store")
    elif deleted:
        say(f"deleted {count_of(len(rows), 'data set')}, {total}")
    else:
        say(f"would delete {count_of(len(rows), 'data set')}, {total}: use --delete to delete or --trash to move them")


def _say_kept(found: PruneResult, file: str) -> None:
    """Print what was kept, and why."""
    foreign = [name for row in found.rows for name in row.left]
    if foreign:
        say(f"kept {count_of(len(foreign), 'object')} that reelmill did not write: {_first_names(foreign)}")
    if found.unknown:
        say(f"kept {_first_names(found.unknown)}: no record identifies it as a data set of reelmill")
    for claim in found.claims:
        if claim.frozen_as:
            say(f"kept {_first_names(claim.data_sets)}: frozen as {claim.frozen_as}")
            continue
        pipeline = claim.name or "an unknown pipeline"
        owner = f"{pipeline} of an earlier release, which identified pipelines by name" if claim.by_name else pipeline
        say(f"kept {_first_names(claim.data_sets)}: claimed by {owner}, claim {claim.uid}")
    if any(not claim.frozen_as for claim in found.claims):
        say(f"to remove the claim of a pipeline that no longer exists: reelmill prune {file} --release CLAIM --delete")


def _first_names(names: Sequence[str]) -> str:
    more = f", … ({len(names) - _MOST_NAMES} more)" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
