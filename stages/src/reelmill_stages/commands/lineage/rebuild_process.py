"""The process in which `reelmill rebuild` makes a sample again: it receives a recipe and returns an error or None.

Stages may be user code. Like a step of a run, the process has only those variables with credentials that the stages
need.
"""

import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection

from reelmill.contract.errors import ReelmillError, SpecError
from reelmill_stages.commands.lineage.recipe import Recipe
from reelmill_stages.runtime.workers import safe_child

_MODULE = "reelmill_stages.commands.lineage.rebuild_process"


def remake_in_process(recipe: Recipe, env: Mapping[str, str]) -> None:
    """Call `remake` in a process with these variables. Raises its errors, and SpecError if the process ends early."""
    here, process = safe_child.start(_MODULE, env)
    try:
        here.send((recipe, dict(env)))
        error = here.recv()
    except (EOFError, BrokenPipeError, ConnectionResetError) as closed:
        raise SpecError(
            f"the process that rebuilt the sample ended with code {process.wait()}",
            hint="see its output above; the code of a stage may have ended it, or the system for lack of memory",
        ) from closed
    finally:
        here.close()
        process.send_signal(signal.SIGKILL)
        process.wait()
    if error is not None:
        raise error


def serve(connection: Connection) -> None:
    """Make the sample that the parent process requests."""
    recipe, env = connection.recv()
    from reelmill_stages.commands.lineage.remake import remake

    try:
        remake(recipe, env)
    except ReelmillError as error:
        connection.send(error)
    else:
        connection.send(None)


if __name__ == "__main__":
    safe_child.serve_parent(serve)
