"""What a stage does about items and shards that fail."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.names import Duration, Share, Text


class RetryItems(Model):
    """Retry passes that start by themselves after the first pass."""

    classes: Annotated[list[Text], Field(min_length=1, max_length=32)]
    """Failure classes worth another try, such as `s3_5xx` or `decode_timeout`."""
    times: Annotated[int, Field(ge=1, le=10)] = 1
    """At most so many retry passes per segment that brought failures."""


class Failures(Model):
    """Tolerance and retries of a stage."""

    tolerate: Share | None = None
    """How many items may fail before later stages stop covering more: `20` or `1%` of the stage's items; absent: 1% or
    10 items, whichever is more."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """How many Jobs may try the shards of a pass; what is undone then becomes `failed(shard_lost)`."""
    retries_per_shard: Annotated[int, Field(ge=0, le=20)] = 3
    """How often Kubernetes starts a failed shard's pod again within one attempt."""
    item_timeout: Duration = "120s"
    """Wall time for one item (one video and its clips); then it is killed and `failed(decode_timeout)`."""
    retry_items: RetryItems | None = None
    """Classes of failed items to try again by themselves; absent: only when asked."""
