"""The data set that a name currently refers to."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.records.layout import DataSetPaths
from reelmill_stages.store import Store

POINTS_NOWHERE = "the data set that it points at is not in the store"


class LatestKey(Model):
    """`<name>/latest.json`: the current key of a source or stage."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{10,}$")]


def points_somewhere(store: Store, name: str, latest: LatestKey) -> bool:
    """Whether the data set that `<name>/latest.json` points at has any objects."""
    return any(True for _ in store.list(f"{DataSetPaths(name, latest.key).root}/", follow_links=False))
