"""A file that a parameter names: weights, a tokenizer, labels."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model
from reelmill.contract.spec.names import Uri


class FileRef(Model):
    """A file by address and digest."""

    uri: Uri
    """`s3://bucket/key`, or a path on one machine."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)] | None = None
    """Pins the content; absent: the first open step pins what it finds, and a later difference is refused."""
