"""`reelmill freeze`: a name for the current state of data sets."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, show
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.signatures import FREEZE, FROZEN, THAW
from reelmill.contract.errors import SpecError
from reelmill.contract.records.frozen import Frozen
from reelmill.contract.records.layout import KEY_DIGITS

COLUMNS = ("name", "created", "pipeline", "data_set", "key", "segment", "done")


def freeze(
    pipeline: Target,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The name of the state. Without it, list all frozen states.")
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option("--stage", "-s", help="Freeze only the data set of this stage. Repeatable. Default: all stages."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete this name. The data sets are kept until you prune them.")
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Give the current state of data sets a name, or list such names.

    Trainers open the state as STAGE@NAME, even after the data set has grown or the pipeline has changed: later segments
    do not belong to it, and prune deletes nothing that it needs.
    """
    if name is None and (delete or stage):
        raise SpecError("the name of the state is missing", hint="reelmill freeze PIPELINE NAME")
    if delete and stage:
        raise SpecError("--delete and --stage cannot be used together", hint="a name is deleted for all its data sets")
    loaded = stored(pipeline, place, elsewhere)
    loaded.entries(stage or [])
    task, environment = store_commands.task(loaded), store_commands.environment()
    if name is None:
        states = store_commands.load(FROZEN)(task, environment)
        if states or not output.for_people:
            show([row for state in states for row in _rows(state)], output, columns=COLUMNS)
        else:
            say("there are no frozen states")
        return
    if delete:
        left = store_commands.load(THAW)(task, environment, name)
        for key in left:
            say(f"kept {key}: reelmill did not write it")
        say(f"deleted the name {name}; prune lists the data sets that are no longer claimed")
        return
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    state = store_commands.load(FREEZE)(task, environment, name, stages=stage or [], moment=moment)
    show(list(_rows(state)), output, columns=COLUMNS)
    if output.for_people:
        where = f"{task.store.uri.rstrip('/')}/{state.data_sets[0].name}@{name}"
        say(f"open it as {where}")


def _rows(state: Frozen) -> Iterable[dict[str, Any]]:
    for data_set in state.data_sets:
        yield {
            "name": state.name,
            "created": state.created,
            "pipeline": state.pipeline,
            "data_set": data_set.name,
            "key": data_set.key[:KEY_DIGITS],
            "segment": data_set.segment,
            "done": data_set.totals.done,
            "views": [view.name for view in data_set.views],
        }
