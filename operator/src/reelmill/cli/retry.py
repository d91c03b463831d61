"""`reelmill retry`: the items that failed, once more; nothing else."""

import secrets
from typing import Annotated

import typer

from reelmill.cli import bridge, pipeline
from reelmill.cli.output import Format, Output
from reelmill.cli.pipeline import Loaded
from reelmill.cli.run import Jobs, Quiet, Verbose, drive
from reelmill.contract.errors import SpecError
from reelmill.contract.record import Outcome
from reelmill.plan.requests import RETRY, annotation

Stages = Annotated[list[str] | None, typer.Option("--stage", "-s", help="Only this stage; left out: all.")]


def retry(
    file: pipeline.File,
    stage: Stages = None,
    class_: Annotated[
        list[str] | None, typer.Option("--class", "-c", help="Only failures of this class; left out: all.")
    ] = None,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    jobs: Jobs = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    output: Output = Format.TABLE,
) -> None:
    """Try failed items again, by stage and class, and let later stages take up what succeeds."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    stages = tuple(loaded.stage(name) for name in stage or ())
    classes = tuple(class_ or ())
    _must_have_failed(loaded, stages, classes)
    request = annotation(secrets.token_hex(8), stages=stages, classes=classes)
    drive(loaded, {RETRY: request}, jobs=jobs, verbose=verbose, quiet=quiet, output=output)


def _must_have_failed(loaded: Loaded, stages: tuple[str, ...], classes: tuple[str, ...]) -> None:
    """Refuse classes in which nothing failed: a retry of them would only make an empty segment."""
    if not classes:
        return
    rows = bridge.rows("ledger-summary", loaded, stages=stages)
    failed = {row["reason"] for row in rows if row["outcome"] == Outcome.FAILED}
    for name in classes:
        if name not in failed:
            there = f"failed are {', '.join(sorted(failed))}" if failed else "nothing failed"
            raise SpecError(f"no item failed with {name!r}", where=loaded.document.file, hint=there)
