"""The exit codes of the command line.

| code | meaning |
| --- | --- |
| 0 | success; items may have failed within the tolerance. In a cluster: request accepted; with `-w`: complete |
| 2 | invalid input, or an unusable store or cluster: no such name, permission denied, no space left |
| 65 | items failed beyond the tolerance; `-w`: the pipeline failed; `check`: findings; `replay`, `repair`: failed |
| 70 | internal error (a bug in reelmill) |
| 75 | temporary failure of a cluster, a server or the network: try again later |
| 130 | interrupted |
"""

from enum import IntEnum

from reelmill.contract.errors import EarlyAbort, ExitCode, ReelmillError, StalePlan, TransientError


class CommandExit(IntEnum):
    """Exit codes of the commands."""

    OK = 0
    INPUT = 2
    ITEMS = 65
    BUG = 70
    AGAIN = 75
    INTERRUPTED = 130


def code_of(error: ReelmillError) -> CommandExit:
    """The exit code for an error."""
    match error:
        case TransientError() | StalePlan():
            return CommandExit.AGAIN
        case EarlyAbort():
            return CommandExit.ITEMS
        case _:
            return CommandExit.INPUT


OF_STEPS = {
    ExitCode.OK: CommandExit.OK,
    ExitCode.CONFIG: CommandExit.INPUT,
    ExitCode.EARLY_ABORT: CommandExit.ITEMS,
    ExitCode.BUG: CommandExit.BUG,
    ExitCode.TRANSIENT: CommandExit.AGAIN,
    ExitCode.STALE_PLAN: CommandExit.AGAIN,
}
"""The exit code of `reelmill run` for the exit code of its steps."""
