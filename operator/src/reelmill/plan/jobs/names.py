"""Names of Jobs: deterministic, unique by a digest, never reused, and short enough for the hostnames of their pods."""

from reelmill.contract.digest import fingerprint
from reelmill.contract.task import Step

LETTERS = {
    Step.SURVEY: "v",
    Step.OPEN: "o",
    Step.SHARDS: "s",
    Step.COMMIT: "c",
    Step.WHOLE: "w",
    Step.REMOVE: "r",
    Step.VERIFY: "y",
}
HOSTNAME = 63
"""Maximum length of a pod's hostname, which is `<job>-<index>` in an Indexed Job."""


def digest10(uid: str, key: str, segment: int) -> str:
    """The part of a name, 10 hex digits, that distinguishes pipelines with the same name, stage keys and passes."""
    return fingerprint([uid, key, segment])[:10]


def job_name(pipeline: str, stage: str, digest: str, step: Step, run: int, completions: int) -> str:
    """`<pipeline>-<stage>-<digest>-<letter><run>`, with both names truncated evenly if it would be too long.

    `run` never decreases, so a name is never reused.
    """
    tail = f"-{digest}-{LETTERS[step]}{run}"
    room = HOSTNAME - len(str(max(completions - 1, 0))) - 1 - len(tail)
    stage_room = max(room - 1 - len(pipeline), (room - 1) // 2)
    stage = stage[:stage_room].rstrip("-")
    pipeline = pipeline[: room - 1 - len(stage)].rstrip("-")
    return f"{pipeline}-{stage}{tail}"
