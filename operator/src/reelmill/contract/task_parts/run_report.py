"""The part of a run report that does not come from commits, passed to the survey in `REELMILL_RUN_REPORT`.

The survey stores it together with the sources and stages of its task (`records.run`), and the step that ends the run
makes the report from this record. Older images, which do not read the variable, make no reports.
"""

from typing import Any

from pydantic import Field

from reelmill.contract.model import Model

ENV = "REELMILL_RUN_REPORT"
"""Environment variable that contains the RunDefinition as JSON."""
MOST_BYTES = 100_000
"""Maximum length of its JSON; above it, the document is omitted. Linux allows 128 KiB for a variable."""


class RunDefinition(Model):
    """A pipeline as shown in a report."""

    name: str
    tolerances: dict[str, str | None] = Field(default_factory=dict)
    """Stage -> its `failures.tolerate`."""
    hour_prices: dict[str, float] = Field(default_factory=dict)
    """Stage -> price of an hour of one of its pods; empty: prices are unknown."""
    currency: str = ""
    document: dict[str, Any] = Field(default_factory=dict)
    """The resource as given, with possible secrets removed; empty: it is too long."""
    text: str = ""
    """The file that the document was read from; empty: unknown."""
