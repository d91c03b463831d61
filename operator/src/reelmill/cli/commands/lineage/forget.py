"""`reelmill forget`: remove items of a source and everything made from them."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit, show, size
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.lineage_rows import ForgetResult
from reelmill.contract.commands.signatures import FORGET, RELEASE_FORGOTTEN
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.terminal import printable

COLUMNS = ("stage", "stage_key", "items", "inputs", "withdrawn", "copies", "files", "bytes", "views")
_MOST_NAMES = 10


def forget(
    pipeline: Target,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="KEY", help="Keys of items of the source.", show_default=False)
    ] = None,
    source: Annotated[str, typer.Option("--source", "-s", help="The source. Default: the pipeline's only one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    continue_: Annotated[bool, typer.Option("--continue", help="Finish a command that was interrupted.")] = False,
    release: Annotated[
        bool,
        typer.Option(
            "--release", help="Record that what a search finds belongs to something else, and allow runs again."
        ),
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Remove everything made from items of a source, and keep them from coming back.

    All data sets of the store that were made from the source are searched. Rows become anonymous, and files that
    contain data of the items are deleted. Other inputs of such files, and inputs that were dropped as copies of the
    items, are marked, so the next run processes them again. The files of the source itself are kept. For items that
    were forgotten before, the store is searched again, including everything made from them.

    Asks for confirmation on a terminal; elsewhere, nothing is done without --yes. If the command is interrupted,
    --continue finishes it.

    The final search cannot tell whether a name that it finds belongs to something else. Check the objects that it
    lists; --release records that they belong to something else, when and by whom, and runs are no longer refused.

    Exits with code 65 if traces remain.
    """
    loaded = stored(pipeline, place, elsewhere)
    name = _source_name(loaded, source)
    wanted = tuple(keys or ())
    if release and not continue_:
        _release_objects(loaded, name, wanted, yes=yes, output=output)
        return
    if bool(wanted) == continue_ or release:
        raise SpecError("give the keys of items, or --continue alone", hint="see reelmill forget --help")
    found = _call_forget(loaded, name, wanted, act=False)
    if found.state != "forgotten" and not found.left and _confirm(found, yes=yes):
        found = _call_forget(loaded, name, wanted, act=True)
    if not output.for_people:
        emit(found.to_json(), output)
    elif found.rows:
        show([row.to_json() for row in found.rows], output, columns=COLUMNS)
    _say_result(found, str(pipeline))
    if found.left:
        raise typer.Exit(CommandExit.ITEMS)


def _release_objects(loaded: Loaded, source: str, keys: tuple[str, ...], *, yes: bool, output: Format) -> None:
    found = _call_release(loaded, source, keys, act=False)
    if not output.for_people and not yes:
        emit(found.to_json(), output)
    items = f"{count_of(len(found.keys), 'item')} of {source}"
    for key in found.left[:_MOST_NAMES]:
        say(f"  {key}")
    if more := found.left[_MOST_NAMES:]:
        say(f"  … ({len(more)} more)")
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"would release {count_of(len(found.left), 'object')} with names of {items}: use --yes")
        return
    if not yes and not typer.confirm(
        printable(f"Release {count_of(len(found.left), 'object')} that did not come from {items}?"), err=True
    ):
        say("nothing was done")
        raise typer.Exit
    found = _call_release(loaded, source, keys, act=True)
    if not output.for_people:
        emit(found.to_json(), output)
    say(f"released {count_of(len(found.left), 'object')}; still forgotten: {items}; pipelines can run again")


def _call_release(loaded: Loaded, source: str, keys: tuple[str, ...], *, act: bool) -> ForgetResult:
    return store_commands.load(RELEASE_FORGOTTEN)(
        store_commands.task(loaded),
        store_commands.environment(),
        source=source,
        keys=keys,
        moment=_timestamp(),
        user=_user_name(),
        act=act,
    )


def _timestamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _user_name() -> str:
    """The user's name on this machine; empty if it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _source_name(loaded: Loaded, source: str) -> str:
    names = list(loaded.graph.sources)
    if not source and len(names) == 1:
        return names[0]
    if source not in names:
        problem = f"no source named {source!r}" if source else "--source is missing"
        raise SpecError(problem, where=loaded.document.file, hint=f"choose one of {', '.join(names)}")
    return source


def _call_forget(loaded: Loaded, source: str, keys: tuple[str, ...], *, act: bool) -> ForgetResult:
    return store_commands.load(FORGET)(
        store_commands.task(loaded),
        store_commands.environment(),
        source=source,
        keys=keys,
        moment=_timestamp(),
        act=act,
    )


def _confirm(found: ForgetResult, *, yes: bool) -> bool:
    """Whether to proceed. On a terminal, shows what would be removed and asks."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return yes
    for row in found.rows:
        data_set = DataSetPaths(row.stage, row.stage_key).root
        say(f"  {data_set}: {count_of(row.items, 'item')}, {count_of(row.files, 'file')}, {size(row.bytes)}")
    _say_copies(found)
    if not typer.confirm(
        printable(f"Permanently forget {count_of(len(found.keys), 'item')} of {found.source}?"), err=True
    ):
        say("nothing was done")
        raise typer.Exit
    return True


def _say_copies(found: ForgetResult) -> None:
    """Print how many inputs will be processed again, before anything is done."""
    if copies := _number_of_copies(found):
        say(f"{copies} inputs were dropped as copies of them and will be processed again; name those to forget as well")


def _number_of_copies(found: ForgetResult) -> int:
    return sum(row.copies for row in found.rows)


def _say_result(found: ForgetResult, pipeline: str) -> None:
    items = f"{count_of(len(found.keys), 'item')} of {found.source}"
    if found.left:
        more = f", … ({len(found.left) - _MOST_NAMES} more)" if len(found.left) > _MOST_NAMES else ""
        named = f"{', '.join(found.left[:_MOST_NAMES])}{more}"
        if found.state == "unfinished":
            say(f"traces of {items} remain in {named}")
        else:
            say(f"{items} are forgotten, but their names, or names of what was made from them, remain in {named}")
        say("delete what belongs to them; if it belongs to something else: reelmill forget PIPELINE KEY --release")
    elif found.state == "found":
        say(f"would forget {items}: use --yes")
        _say_copies(found)
    elif found.state == "unfinished":
        say(f"forgetting {items} is not finished: use --yes")
    elif found.rows:
        say(f"forgot {items}: no traces remain")
        say(f"to rebuild lists and files that also held other items: reelmill run {pipeline}")
        if copies := _number_of_copies(found):
            say(f"that run also decides again on {count_of(copies, 'input')} dropped as copies of them")
    else:
        say(f"{items} had been forgotten before, and no traces remain")
