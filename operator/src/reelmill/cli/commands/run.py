"""`reelmill run`: run a pipeline on this machine until it ends."""

from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import AS_NAMED, USUAL, File, RunOptions, StoreOverride
from reelmill.processes.step_template import warm_template


def run(
    file: File,
    elsewhere: StoreOverride = AS_NAMED,
    work: RunOptions = USUAL,
    output: Output = Format.TABLE,
) -> None:
    """Run a pipeline file on this machine.

    Completed work is not repeated. Ctrl-C stops the run cleanly, and the next run resumes from there.
    """
    with warm_template() as template:
        # Imported here, because the template imports at the same time.
        from reelmill.cli.input import pipeline
        from reelmill.cli.local_run import drive

        drive(pipeline.load(file, elsewhere), {}, work, output, template)
