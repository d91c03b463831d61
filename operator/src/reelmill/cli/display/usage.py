"""Descriptions of the resources that a stage used and the cost of a pipeline."""

from reelmill.contract.records.usage import Usage
from reelmill.contract.spending import Spent
from reelmill.contract.text.quantities import count_of, size, time


def used(usage: Usage) -> str:
    """`used 2h 05m of CPU, 41m 10s of pods, read 1.2 GB, wrote 300.0 MB; bound by decode`: what is known."""
    parts = [
        f"{time(seconds)} of {what}"
        for what, seconds in (
            ("CPU", usage.cpu_seconds),
            ("GPU", usage.gpu_seconds),
            ("GPU decoders", usage.gpu_decoder_seconds),
            ("pods", usage.pod_seconds),
        )
        if seconds is not None
    ]
    parts += [f"read {size(usage.bytes_read)}"] if usage.bytes_read is not None else []
    parts += [f"wrote {size(usage.bytes_written)}"] if usage.bytes_written is not None else []
    parts += [f"{count_of(usage.lost_runs, 'run')} killed"] if usage.lost_runs else []
    bound = f"; bound by {usage.bound}" if usage.bound else ""
    return f"used {', '.join(parts)}{bound}"


def paid(spent: Spent) -> str:
    """`12.50 pod hours, 4.20 EUR`, without running pods; empty below a hundredth of an hour."""
    hours = spent.pod_seconds / 3600
    cost = "" if spent.cost is None else f", {spent.cost:,.2f} {spent.currency}".rstrip()
    return f"{hours:,.2f} pod hours{cost}" if hours >= 0.01 else ""
