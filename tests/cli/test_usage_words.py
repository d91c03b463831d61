"""What a stage has used, in words: what is not known is left out."""

import pytest

from reelmill.cli.display.usage import paid, used
from reelmill.contract.records.usage import Usage, WorkSeconds
from reelmill.contract.spending import Spent


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(cpu_seconds=90), "used 1m 30s of CPU"),
        (Usage(cpu_seconds=90, gpu_seconds=0.0), "used 1m 30s of CPU, 0s of GPU"),
        (Usage(gpu_seconds=90, gpu_decoder_seconds=61.0), "used 1m 30s of GPU, 1m 01s of GPU decoders"),
        (
            Usage(pod_seconds=7500, bytes_read=1_200_000_000, bytes_written=0, work=WorkSeconds(decode=3, store=1)),
            "used 2h 05m of pods, read 1.2 GB, wrote 0 bytes; bound by decode",
        ),
        (Usage(cpu_seconds=1, lost_runs=2), "used 1s of CPU, 2 runs killed"),
    ],
)
def test_what_is_known_is_said(usage: Usage, expected: str) -> None:
    assert used(usage) == expected


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        (Spent(), ""),
        (Spent(pod_seconds=5400), "1.50 pod hours"),
        (Spent(pod_seconds=5400, cost=4.2, currency="EUR"), "1.50 pod hours, 4.20 EUR"),
        (Spent(pod_seconds=5400, cost=4.2), "1.50 pod hours, 4.20"),
    ],
)
def test_a_cost_is_said_where_there_are_prices(spent: Spent, expected: str) -> None:
    assert paid(spent) == expected
