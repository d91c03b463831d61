"""Targets for pipeline files and tasks."""

from contextlib import suppress

from reelmill.cli.input import document
from reelmill.cli.input.pipeline import validated_document
from reelmill.contract.errors import SpecError
from reelmill.contract.task import ENV
from reelmill_stages.runtime.step import read_task


def pipeline(data: bytes) -> None:
    """A pipeline file, up to its graph and its keys."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    with suppress(SpecError):
        validated_document(document.parse(text, "pipeline.yaml"))


def task(data: bytes) -> None:
    """The task of a step."""
    with suppress(SpecError):
        read_task({ENV: data.decode(errors="replace")})
