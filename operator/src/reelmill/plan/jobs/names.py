"""Names of Jobs: deterministic, told apart by a digest, never used again, short enough for their pods' hostnames."""

from reelmill.contract.digest import fingerprint
from reelmill.contract.task import Step

LETTERS = {Step.SURVEY: "v", Step.OPEN: "o", Step.SHARDS: "s", Step.COMMIT: "c", Step.REMOVE: "r"}
HOSTNAME = 63
"""Pods of an Indexed Job are called `<job>-<index>`, and a hostname has at most 63 characters."""


def digest10(uid: str, key: str, segment: int) -> str:
    """The part of a name that tells pipelines of the same name, keys and passes apart."""
    return fingerprint([uid, key, segment])[:10]


def job_name(pipeline: str, stage: str, digest: str, step: Step, run: int, completions: int) -> str:
    """`<pipeline>-<stage>-<digest>-<letter><run>`; the two names are cut evenly where it would be too long.

    `run` only rises, so a name never recurs.
    """
    tail = f"-{digest}-{LETTERS[step]}{run}"
    room = HOSTNAME - len(str(max(completions - 1, 0))) - 1 - len(tail)
    stage_room = max(room - 1 - len(pipeline), (room - 1) // 2)
    stage = stage[:stage_room].rstrip("-")
    pipeline = pipeline[: room - 1 - len(stage)].rstrip("-")
    return f"{pipeline}-{stage}{tail}"
