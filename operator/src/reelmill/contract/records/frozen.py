"""Frozen states: named states of data sets, with a record at the store's root, copies of the views, and claims.

The claims protect the data sets from `prune` and `onDelete: Delete`. They differ from those of a pipeline only in their
uid, so every version of reelmill respects them.
"""

import re

from reelmill.contract.errors import SpecError
from reelmill.contract.model import Model
from reelmill.contract.records.segment import Counts

CLAIMS = "frozen-"
"""Prefix of the uids of claims of frozen states; the rest is the name of the state."""

_RECORD = ".json"
"""Suffix of records. Names of states must not end with it: their folder of views could collide with a record."""
_NAME = re.compile(r"[a-z]([a-z0-9.-]{0,61}[a-z0-9])?")


def is_name(name: str) -> bool:
    """Whether a frozen state can have this name."""
    return bool(_NAME.fullmatch(name)) and not name.endswith(_RECORD)


def check_name(name: str) -> str:
    """Return the name of a frozen state. Raises SpecError if it is invalid."""
    if not is_name(name):
        raise SpecError(
            f"{name[:100]!r} cannot be the name of a frozen state",
            hint="begin with a lower-case letter, use at most 63 lower-case letters, digits, hyphens and dots, "
            "and do not end with .json",
        )
    return name


def claim_uid(name: str) -> str:
    """The uid of the claims of a frozen state."""
    return f"{CLAIMS}{name}"


def frozen_as(uid: str) -> str:
    """The frozen state that made a claim with this uid; empty for the claim of a pipeline."""
    return uid.removeprefix(CLAIMS) if uid.startswith(CLAIMS) else ""


class FrozenView(Model):
    """A frozen view, whose copy is at `layout.frozen_view`."""

    name: str
    """Relative to the root of the data set."""
    size: int
    digest: str
    """`sha256:<hex>`."""


class FrozenDataSet(Model):
    """The state of one data set."""

    name: str
    """Name of the source or stage."""
    key: str
    segment: int
    """The last segment that belongs to the state."""
    totals: Counts
    """Its inputs, by outcome."""
    views: tuple[FrozenView, ...] = ()


class Frozen(Model):
    """`_reelmill/frozen/<name>.json`, created once."""

    name: str
    created: str
    """UTC, RFC 3339."""
    pipeline: str
    """`namespace/name`."""
    data_sets: tuple[FrozenDataSet, ...]
    claimed: tuple[str, ...]
    """Roots of all claimed data sets: these, and those that they were made from."""

    def data_set(self, name: str, store: str) -> FrozenDataSet:
        """The state of one data set. Raises SpecError, which names `store`, if there is none."""
        for data_set in self.data_sets:
            if data_set.name == name:
                return data_set
        raise SpecError(
            f"the frozen state {self.name!r} has no data set {name!r}",
            where=store,
            hint=f"it has {', '.join(data_set.name for data_set in self.data_sets)}",
        )
