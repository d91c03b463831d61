"""The commands by name. Each is a function in the module of the same name."""

from typing import Annotated

import typer

from reelmill import __version__
from reelmill.cli.cluster.commands.events import events
from reelmill.cli.cluster.commands.operator import app as operator
from reelmill.cli.cluster.commands.pause import cancel, resume, suspend
from reelmill.cli.cluster.commands.refresh import refresh
from reelmill.cli.cluster.commands.rerun import rerun
from reelmill.cli.cluster.commands.submit import submit
from reelmill.cli.cluster.commands.why import why
from reelmill.cli.commands.abandon import abandon
from reelmill.cli.commands.check import check
from reelmill.cli.commands.export import export
from reelmill.cli.commands.init import init
from reelmill.cli.commands.integrity.repair import repair
from reelmill.cli.commands.ledger import ledger
from reelmill.cli.commands.logs import logs
from reelmill.cli.commands.merge import merge
from reelmill.cli.commands.plan import plan
from reelmill.cli.commands.prune import prune
from reelmill.cli.commands.replay import replay
from reelmill.cli.commands.retry import retry
from reelmill.cli.commands.run import run
from reelmill.cli.commands.schema import schema
from reelmill.cli.commands.status import status
from reelmill.cli.commands.validate import validate
from reelmill.cli.input.options import spread

EPILOG = (
    "Exit codes: 0 success, 2 invalid input or unusable store, 65 items failed beyond the tolerance, "
    "70 internal error, 75 temporary failure, 130 interrupted."
)

app = typer.Typer(
    name="reelmill",
    help="Turn raw video in a bucket into training data.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"reelmill {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


ANYWHERE = (
    init,
    validate,
    plan,
    run,
    status,
    ledger,
    logs,
    retry,
    replay,
    repair,
    check,
    export,
    merge,
    abandon,
    prune,
    schema,
)
"""Commands that run on this machine; most of them also accept the name of a pipeline in a cluster."""
IN_A_CLUSTER = (submit, why, events, suspend, resume, cancel, rerun, refresh)

for command in (*ANYWHERE, *IN_A_CLUSTER):
    app.command()(spread(command))
app.add_typer(operator)
