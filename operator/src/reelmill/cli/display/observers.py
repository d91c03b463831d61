"""The observer of a local run: bars on a terminal, otherwise plain lines. rich is imported only for bars."""

from collections.abc import Iterator
from contextlib import contextmanager

from reelmill.cli.display.progress import Lines


@contextmanager
def observing(*, verbose: bool, quiet: bool) -> Iterator[Lines]:
    """The observer for standard error: bars on a terminal, otherwise lines."""
    if quiet:
        yield Lines(verbose=verbose, quiet=True)
        return
    from reelmill.cli.display.console import PrintableConsole

    console = PrintableConsole(stderr=True)
    if not console.is_terminal:
        yield Lines(verbose=verbose)
        return
    from reelmill.cli.display.bars import Bars

    bars = Bars(console, verbose=verbose)
    with bars.display:
        yield bars
