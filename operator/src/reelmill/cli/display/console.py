"""A rich console that escapes control characters. Import it only where needed: rich is slow to import."""

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from reelmill.contract.text.terminal import printable

PIPE_WIDTH = 240
"""Width in columns of a table that is not written to a terminal."""


class PrintableConsole(Console):
    """A rich console that escapes control characters in text; rich's styles and cursor movements are kept."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text, keep="\n"))


def console() -> Console:
    """A console for standard output, as wide as the terminal, or PIPE_WIDTH columns without one."""
    return PrintableConsole(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False)
