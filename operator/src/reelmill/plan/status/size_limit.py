"""The size limit of the status: informational fields are shortened."""

from reelmill.contract.status import StageStatus, Status, cut
from reelmill.plan.status.serialise import size

LIMIT = 60 * 1024
"""Maximum size of the JSON in bytes."""


def fitted(status: Status) -> Status:
    """The status, with messages, ranges, reasons and counters shortened until it fits."""
    if len(status.model_dump_json(by_alias=True)) <= LIMIT // 4:
        # The usual case: a cheap dump has more fields than the JSON form, and a character has at most 4 bytes.
        return status
    for length, reasons in ((128, 3), (32, 1), (8, 0)):
        if size(status) <= LIMIT:
            return status
        status = status.replace(
            stages=[_shortened_stage(stage, length, reasons) for stage in status.stages],
            conditions=[
                condition.replace(message=cut(condition.message, 4 * length)) for condition in status.conditions
            ],
        )
    return status


def _shortened_stage(stage: StageStatus, length: int, reasons: int) -> StageStatus:
    work, stall = stage.pass_, stage.stall
    return stage.replace(
        message=cut(stage.message, length),
        logs=stage.logs if reasons else "",
        reasons=dict(list(stage.reasons.items())[:reasons]),
        counters=dict(list(stage.counters.items())[: 2 * reasons]),
        pass_=work and work.replace(failed=cut(work.failed, length)),
        stall=stall and stall.replace(message=cut(stall.message, 2 * length), hint=cut(stall.hint, length)),
    )
