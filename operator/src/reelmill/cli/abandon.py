"""`reelmill abandon`: close open passes that cannot be finished as they were opened."""

import secrets

from reelmill.cli import pipeline
from reelmill.cli.output import Format, Output
from reelmill.cli.retry import Stages
from reelmill.cli.run import Jobs, Quiet, Verbose, drive
from reelmill.plan.requests import ABANDON, annotation


def abandon(
    file: pipeline.File,
    stage: Stages = None,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    jobs: Jobs = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    output: Output = Format.TABLE,
) -> None:
    """Close open passes as abandoned: what they did counts for nothing, and their items are covered anew."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    stages = tuple(loaded.stage(name) for name in stage or ())
    request = annotation(secrets.token_hex(8), stages=stages)
    drive(loaded, {ABANDON: request}, jobs=jobs, verbose=verbose, quiet=quiet, output=output)
