"""What a run report needs besides commits: `REELMILL_RUN_REPORT`, beside the task of a survey.

The survey keeps it in the store together with the sources and stages of its task (`records.run`), and the step that
ends the run makes the report from that. An image that does not know the variable makes no reports.
"""

from typing import Any

from pydantic import Field

from reelmill.contract.model import Model

ENV = "REELMILL_RUN_REPORT"
"""Environment variable that contains the RunDefinition as JSON."""
MOST_BYTES = 100_000
"""Longest JSON of it; a longer one goes without the document. Linux allows 128 KiB for a variable."""


class RunDefinition(Model):
    """A pipeline as a report shows it."""

    name: str
    tolerances: dict[str, str | None] = Field(default_factory=dict)
    """Stage -> its `failures.tolerate`."""
    hour_prices: dict[str, float] = Field(default_factory=dict)
    """Stage -> price of an hour of one of its pods; empty: prices are not known."""
    currency: str = ""
    document: dict[str, Any] = Field(default_factory=dict)
    """The resource as it was given, without what may be secret; empty: it is too long."""
    text: str = ""
    """The file that the document was read from; empty: it is not known."""
