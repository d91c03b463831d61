"""An S3 bucket as a store (not there yet)."""

from collections.abc import Mapping
from typing import Any

from reelmill.contract.task import Connection


def S3Store(bucket: str, prefix: str, *, connection: Connection, env: Mapping[str, str], uri: str) -> Any:  # noqa: N802
    raise NotImplementedError
