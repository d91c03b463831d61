"""The command line, `reelmill`, with one module for each command."""

import gc
import sys
from collections.abc import Sequence
from contextlib import suppress

from reelmill.cli.standard_streams import ReaderGone, protect_standard_streams
from reelmill.contract.errors import ReelmillError
from reelmill.contract.text.urls import without_secrets
from reelmill.processes.fast_exit import fast_exit

GARBAGE = 100_000
"""Threshold of the garbage collector in objects. Imports create many objects and no garbage, and most commands end soon
after."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code (see `exits`). Errors are printed as text, never as a traceback."""
    if arguments is None:
        gc.set_threshold(GARBAGE)
        protect_standard_streams()
        if sys.argv[1:2] == ["run"]:
            from reelmill.processes.step_template import start_early

            start_early()
    try:
        from reelmill.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f"error: the command line needs the package {error.name}\nhint: pip install 'reelmill[cli]'")
    code = _run(app, arguments)
    if arguments is None:  # this process is the command
        fast_exit(code)
    sys.exit(code)


def _run(app: object, arguments: Sequence[str] | None) -> int:
    from reelmill.cli.crash_reports import report_bug
    from reelmill.cli.display.terminal import program, say
    from reelmill.cli.error_text import describe
    from reelmill.cli.exit_codes import CommandExit, code_of

    try:
        try:
            app(args=None if arguments is None else list(arguments), prog_name=program())  # type: ignore[operator]
        except SystemExit as end:
            with suppress(ReaderGone):
                sys.stdout.flush()
            return end.code if isinstance(end.code, int) else CommandExit.OK
    except KeyboardInterrupt:
        return CommandExit.INTERRUPTED
    except ReelmillError as error:
        for line in describe(error):
            say(line)
        return code_of(error)
    except ReaderGone:
        return CommandExit.OK
    except Exception as error:
        say(f"error: internal error: {type(error).__name__}: {without_secrets(' '.join(str(error).split()))[:200]}")
        say(f"hint: please report it with {report_bug(error)}")
        return CommandExit.BUG
    return CommandExit.OK
