"""Which data set a name stands for at present."""

from typing import Annotated

from pydantic import Field

from reelmill.contract.model import Model


class LatestKey(Model):
    """`<name>/latest.json`: the current key of a source or stage."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{10,}$")]
