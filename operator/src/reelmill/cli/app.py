"""The commands by name. Each is a function in the module of the same name."""

from typing import Annotated

import typer

from reelmill import __version__
from reelmill.cli.abandon import abandon
from reelmill.cli.check import check
from reelmill.cli.export import export
from reelmill.cli.init import init
from reelmill.cli.ledger import ledger
from reelmill.cli.operator import app as operator
from reelmill.cli.plan import plan
from reelmill.cli.prune import prune
from reelmill.cli.replay import replay
from reelmill.cli.retry import retry
from reelmill.cli.run import run
from reelmill.cli.schema import schema
from reelmill.cli.status import status
from reelmill.cli.validate import validate

EPILOG = (
    "Exit codes: 0 done, 2 bad input or unusable store, 65 items failed above the tolerance, 75 try again, "
    "130 interrupted, 70 a bug."
)

app = typer.Typer(
    name="reelmill",
    help="Raw video in a bucket into training data.",
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
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False,
) -> None:
    pass


for command in (init, validate, plan, run, status, ledger, retry, replay, check, export, abandon, prune, schema):
    app.command()(command)
app.add_typer(operator)
