"""Reference to a file in a parameter: weights, a tokenizer, labels."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.spec.field_types import Uri
from reelmill.contract.spec.spec_model import SpecModel


class FileRef(SpecModel):
    """A file, by address and digest."""

    uri: Uri
    """`s3://bucket/key`, `az://container/key`, `gs://bucket/key`, or a local path if the pipeline runs on one
    machine."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)] | None = None
    """Expected content. If absent, the first open step records the digest, and a different content is rejected
    later."""
