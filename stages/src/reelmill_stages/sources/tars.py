"""`tars`: existing webdataset shards, one item per tar."""

from collections.abc import Iterator

from reelmill.contract.spec.sources.tars import TarsBlock
from reelmill_stages.sources import Bucket, Listed
from reelmill_stages.sources.before import NOTHING, Before
from reelmill_stages.sources.bucket import absolute
from reelmill_stages.sources.committed import objects
from reelmill_stages.sources.files import object_draft
from reelmill_stages.sources.settle import settled


def list_tars(block: TarsBlock, bucket: Bucket, source: str, before: Before = NOTHING) -> Iterator[Listed]:
    """One item per `.tar` under the prefix, weighed by its bytes and called after its path."""
    folder = absolute(block.uri).rstrip("/") + "/"
    drafts = (
        object_draft(uri, stat, uri.removeprefix(folder), source)
        for uri, stat in objects(bucket, block.uri)
        if uri.lower().endswith(".tar")
    )
    return settled(drafts, before)
