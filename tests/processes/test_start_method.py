"""Which processes are forked, and which are spawned."""

import pytest

from reelmill.contract.errors import SpecError
from reelmill.processes.start_method import ENV, StartMethod, start_method


@pytest.mark.parametrize(
    ("environment", "stage", "platform", "method"),
    [
        ({}, "", "linux", "fork"),
        ({}, "clip", "linux", "fork"),
        ({ENV: ""}, "clip", "linux", "fork"),
        ({ENV: "fork"}, "pack", "linux", "fork"),
        ({ENV: "spawn"}, "pack", "linux", "spawn"),
        ({}, "run", "linux", "spawn"),
        ({ENV: "fork"}, "run", "linux", "spawn"),
        ({}, "module:Class", "linux", "spawn"),
        ({}, "embed", "linux", "spawn"),
        ({}, "grid", "linux", "spawn"),
        ({}, "clip", "darwin", "spawn"),
        ({ENV: "fork"}, "", "darwin", "spawn"),
    ],
)
def test_code_of_ones_own_torch_and_macos_are_spawned(
    environment: dict[str, str], stage: str, platform: str, method: str
) -> None:
    assert start_method(environment, stage=stage, platform=platform) is StartMethod(method)


def test_another_word_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SpecError, match="'thread' is no start method") as caught:
        start_method({ENV: "thread"})
    assert "fork or spawn" in caught.value.hint
