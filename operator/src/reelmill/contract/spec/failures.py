"""Handling of failing items and shards."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.spec.field_types import Duration, Share, Text
from reelmill.contract.spec.spec_model import SpecModel

DEFAULT_TOLERANCE = ("1%", "10")
"""If `tolerate` is absent, the larger of these, unless every item failed: one broken file stops no small pipeline."""


class RetryItems(SpecModel):
    """Automatic retry passes."""

    classes: Annotated[list[Text], Field(min_length=1, max_length=32)]
    """Failure classes to retry, such as `s3_5xx` or `decode_timeout`."""
    times: Annotated[int, Field(ge=1, le=10)] = 1
    """Maximum number of retry passes for each segment with failures."""


class Failures(SpecModel):
    """Tolerance and retries of a stage."""

    tolerate: Share | None = None
    """Number (`20`) or percentage (`1%`) of the stage's items that may fail before later stages stop taking more;
    absent: 1% or 10 items, whichever is more, unless every item failed."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Maximum number of Jobs for the shards of a pass; items of shards that remain become `failed(shard_lost)`."""
    retries_per_shard: Annotated[int, Field(ge=0, le=20)] = 3
    """Number of times that Kubernetes restarts the pod of a failed shard within one attempt."""
    item_timeout: Duration = "120s"
    """Wall time for one item (a video with its clips). After that, it is killed and becomes
    `failed(decode_timeout)`."""
    retry_items: RetryItems | None = None
    """Failed items that are retried automatically. If absent, items are retried on request only."""
