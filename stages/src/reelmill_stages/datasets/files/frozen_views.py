"""Locations of the views of a data set in a frozen state."""

from dataclasses import dataclass

from reelmill.contract.errors import NotFound
from reelmill.contract.records import layout
from reelmill.contract.records.frozen import FrozenDataSet


@dataclass(frozen=True, slots=True)
class FrozenViews:
    """The views of one data set in one frozen state."""

    state: str
    data_set: FrozenDataSet

    def find(self, name: str) -> tuple[str, str]:
        """Return (key in the store, digest) of a view. Raises NotFound."""
        for view in self.data_set.views:
            if view.name == name:
                return layout.frozen_view(self.state, self.data_set.name, name, view.digest), view.digest
        raise NotFound(f"the frozen state {self.state!r} of {self.data_set.name!r} has no file {name}")
