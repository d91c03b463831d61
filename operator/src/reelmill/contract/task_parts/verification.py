"""The periodic verification of a store: the input of its pods, their report, and its status."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.model import Model

VERIFICATION_TEXT = 256
"""Maximum length in characters of the texts of a verification's status."""


class VerificationTask(Model):
    """The parameters of a verification."""

    began: str
    """Time at which it began, RFC 3339. Another pod with the same time continues it."""
    max_rate: float
    """Maximum number of bytes to read per second."""
    read_all: bool = False
    """Do not rely on the server's checksums."""


class VerifyReport(Model):
    """The result of a verification."""

    step: Literal["verify"] = "verify"
    objects: int = 0
    """Number of objects that were compared, including earlier pods."""
    bytes: int = 0
    """Bytes that the last pod read."""
    damaged: int = 0
    """Number of objects that differ from what was committed."""
    names: tuple[str, ...] = ()
    """Keys of the first few of them."""


class Verification(Model):
    """The periodic verification of `spec.verify`."""

    due_at: str = ""
    """When the next one is due, RFC 3339; it begins once no stage has work to do."""
    began_at: str = ""
    """When the one that is not finished began, RFC 3339; empty if there is none."""
    job: str = ""
    """Name of its Job; empty while it waits for the pipeline to be at rest."""
    seen: bool = False
    """The Job was observed to exist."""
    run: int = 0
    """Number of the Job."""
    tries: int = 0
    """Number of Jobs that failed, since the last one that succeeded."""
    again_at: str = ""
    """When the next Job starts after one that failed, RFC 3339."""
    problem: Annotated[str, Field(max_length=VERIFICATION_TEXT)] = ""
    """Why the last Job failed."""
    ended_at: str = ""
    """When the last verification ended, RFC 3339."""
    objects: int = 0
    """Number of objects that it compared."""
    damaged: int = 0
    """Number of objects that it found damaged."""
    names: Annotated[str, Field(max_length=VERIFICATION_TEXT)] = ""
    """Keys of the first few of them."""
