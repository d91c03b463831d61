"""The status below its size, whatever the pipeline: what is only for people's eyes is shortened first."""

from reelmill.contract.status import StageStatus, Status, cut
from reelmill.plan.status.serialise import size

LIMIT = 60 * 1024
"""Bytes of JSON, with room left for the rest of the resource's status."""


def fitted(status: Status) -> Status:
    """The status, with messages, ranges and rare reasons shortened as far as its size demands."""
    for length, reasons in ((128, 3), (32, 1), (8, 0)):
        if size(status) <= LIMIT:
            return status
        status = status.replace(
            stages=[_shortened(stage, length, reasons) for stage in status.stages],
            conditions=[
                condition.replace(message=cut(condition.message, 4 * length)) for condition in status.conditions
            ],
        )
    return status


def _shortened(stage: StageStatus, length: int, reasons: int) -> StageStatus:
    work, stall = stage.pass_, stage.stall
    return stage.replace(
        message=cut(stage.message, length),
        logs=stage.logs if reasons else "",
        reasons=dict(list(stage.reasons.items())[:reasons]),
        pass_=work and work.replace(failed=cut(work.failed, length)),
        stall=stall and stall.replace(message=cut(stall.message, 2 * length), hint=cut(stall.hint, length)),
    )
