"""Commands that read a store at one moment, although another command may be removing data from it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from reelmill.contract.errors import NotFound, StoreDamaged, TransientError
from reelmill.contract.records.forgotten import PENDING
from reelmill.contract.task import Task
from reelmill_stages.store import Store
from reelmill_stages.store.open import open_store

P = ParamSpec("P")
T = TypeVar("T")
Reader = Callable[Concatenate[Task, Mapping[str, str], P], T]


def at_one_moment(read: "Reader[P, T]") -> "Reader[P, T]":
    """Repeat a command that misses an object which another command may have removed meanwhile.

    The command additionally raises TransientError while `reelmill forget` is changing the store. What is missing at the
    second attempt, too, is damage.
    """

    @wraps(read)
    def command(task: Task, env: Mapping[str, str], /, *args: P.args, **kwargs: P.kwargs) -> T:
        store = open_store(task.store, env=env)
        for is_last in (False, True):
            try:
                return read(task, env, *args, **kwargs)
            except (NotFound, StoreDamaged):
                _refuse_change(store)
                if is_last:
                    raise
        raise AssertionError

    return command


def _refuse_change(store: Store) -> None:
    """Raise TransientError if items are being forgotten."""
    for stat in store.list(PENDING, follow_links=False):
        source = stat.key.removeprefix(PENDING).removesuffix(".json")
        raise TransientError(
            f"`reelmill forget` is removing items of {source} from the store, so its data cannot be read now",
            where=store.uri,
            hint="run this command again when it has ended; if it was interrupted, run it again first",
        )
