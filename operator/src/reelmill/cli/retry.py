"""`reelmill retry`: the items that failed, once more; nothing else."""

import secrets
from typing import Annotated

import typer

from reelmill.cli import pipeline
from reelmill.cli.output import Format, Output
from reelmill.cli.run import Jobs, Quiet, Verbose, drive
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
    request = annotation(secrets.token_hex(8), stages=stages, classes=tuple(class_ or ()))
    drive(loaded, {RETRY: request}, jobs=jobs, verbose=verbose, quiet=quiet, output=output)
