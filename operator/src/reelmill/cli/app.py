"""The commands by name. Each is a function in the named module, which is imported when the command is called."""

from typing import Annotated

import typer

from reelmill import __version__
from reelmill.cli.lazy_group import lazy_group

EPILOG = (
    "Exit codes: 0 success, 2 invalid input or unusable store, 65 items failed beyond the tolerance, "
    "70 internal error, 75 temporary failure, 130 interrupted."
)

COMMANDS = {
    "Write and run a pipeline": {
        "demo": "reelmill.cli.commands.getting_started.demo",
        "init": "reelmill.cli.commands.getting_started.init",
        "validate": "reelmill.cli.commands.validate",
        "plan": "reelmill.cli.commands.plan",
        "run": "reelmill.cli.commands.run",
        "schema": "reelmill.cli.commands.schema",
    },
    "See what happened": {
        "status": "reelmill.cli.commands.status",
        "why": "reelmill.cli.commands.why",
        "logs": "reelmill.cli.commands.logs",
        "ledger": "reelmill.cli.commands.ledger",
        "funnel": "reelmill.cli.commands.curation.funnel",
        "report": "reelmill.cli.commands.curation.report",
        "dashboard": "reelmill.cli.commands.curation.dashboard",
        "tune": "reelmill.cli.commands.curation.tune",
        "diff": "reelmill.cli.commands.versions.diff",
    },
    "Use and keep the data": {
        "export": "reelmill.cli.commands.export",
        "card": "reelmill.cli.commands.curation.card",
        "merge": "reelmill.cli.commands.merge",
        "freeze": "reelmill.cli.commands.versions.freeze",
        "prune": "reelmill.cli.commands.prune",
    },
    "Trace and remove items": {
        "trace": "reelmill.cli.commands.lineage.trace",
        "lineage": "reelmill.cli.commands.lineage.lineage",
        "rebuild": "reelmill.cli.commands.lineage.rebuild",
        "forget": "reelmill.cli.commands.lineage.forget",
    },
    "Retry, check and repair": {
        "retry": "reelmill.cli.commands.retry",
        "abandon": "reelmill.cli.commands.abandon",
        "replay": "reelmill.cli.commands.replay",
        "check": "reelmill.cli.commands.check",
        "repair": "reelmill.cli.commands.integrity.repair",
        "support-bundle": "reelmill.cli.commands.support.support_bundle",
    },
    "Manage pipelines in a cluster": {
        "submit": "reelmill.cli.cluster.commands.submit",
        "events": "reelmill.cli.cluster.commands.events",
        "suspend": "reelmill.cli.cluster.commands.pause",
        "resume": "reelmill.cli.cluster.commands.pause",
        "cancel": "reelmill.cli.cluster.commands.pause",
        "rerun": "reelmill.cli.cluster.commands.rerun",
        "refresh": "reelmill.cli.cluster.commands.refresh",
        "operator": "reelmill.cli.cluster.commands.operator",
    },
}
"""Sections of the help, with their commands. Commands outside the last one accept a file, and most of them also the
name of a pipeline in a cluster.
"""

app = typer.Typer(
    cls=lazy_group(COMMANDS),
    name="reelmill",
    help="Turn raw video into training data.",
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
