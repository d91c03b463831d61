"""The entries of a bucket's listing, in the order of their keys, as `Store.list` yields them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter

from reelmill.contract.reasons import ItemReason
from reelmill_stages.store import Problem, Stat
from reelmill_stages.store.keys import key_problem


def in_order(found: Iterable[Stat], *, problems: bool) -> Iterator[Stat]:
    """Yield the objects among the entries, sorted. With `problems`, those with unusable keys have a problem.

    Consoles create empty objects with the names of folders, which are left out.
    """
    for stat in sorted(found, key=attrgetter("key")):
        if not stat.key.endswith("/"):
            problem = key_problem(stat.key) if problems else ""
            yield replace(stat, problem=Problem(ItemReason.BAD_PATH, problem)) if problem else stat
        elif problems and stat.size:
            bad = Problem(ItemReason.BAD_PATH, "an object with content has the name of a folder", is_folder=True)
            yield replace(stat, problem=bad)
