"""Some dozens of the streams that `differential.py` makes by the thousand: no path differs from a full decode."""

from pathlib import Path

import pytest

from media import differential, streams


@pytest.mark.store
@pytest.mark.parametrize("first", range(0, 60, 6))
def test_streams_by_chance_are_what_a_full_decode_gives(first: int, tmp_path: Path) -> None:
    for number in range(first, first + 6):
        made = streams.stream(number, tmp_path)
        found = differential.Found()
        differential.judge(made, tmp_path, found)
        assert not found.wrong, f"{made}: {found.wrong}"
