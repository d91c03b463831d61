"""`reelmill export`: a plain folder of a stage's data set."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import Target, stored
from reelmill.cli.display.output import Format, Output, emit, size
from reelmill.cli.display.terminal import write
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.result_rows import ExportMode
from reelmill.contract.commands.signatures import EXPORT
from reelmill.contract.text.quantities import count_of


def export(
    pipeline: Target,
    stage: Annotated[str, typer.Argument(help="The stage to export.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier export to update.", show_default=False)],
    mode: Annotated[
        ExportMode | None, typer.Option("--mode", help="How files are placed in the folder. Default: link if possible.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Also read linked and existing files, and compare their digests."),
    ] = True,
    state: Annotated[
        str,
        typer.Option("--state", metavar="NAME", help="Export the state that freeze saved as NAME.", show_default=False),
    ] = "",
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Export a stage's data set to a plain folder.

    Lists in the folder contain absolute paths, as trainers expect. A file that differs from what was committed ends the
    export with an error. Sizes are always compared. Digests are compared, too, except with --no-verify for files that
    are linked or come from an earlier export. A damaged copy of an earlier export is replaced.
    """
    loaded = stored(pipeline, place, elsewhere)
    made = store_commands.load(EXPORT)(
        store_commands.task(loaded),
        store_commands.environment(),
        loaded.stage(stage),
        folder,
        mode,
        verify=verify,
        state=state,
    )
    if not output.for_people:
        emit(made.to_json(), output)
        return
    write(f"{made.folder}: {count_of(made.files, 'file')}, {size(made.bytes)} ({made.mode})")
    for view in made.views:
        write(f"  {made.folder}/{view}")
