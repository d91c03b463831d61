"""Names of members that every reader understands, whatever goes in."""

import re
from pathlib import Path

import pytest

import footage
from pack.desk import packed, video_item
from pack.readers import names, patched, stock
from reelmill.contract.spec.stages.pack import PackBlock


@pytest.mark.parametrize("keys", ["unique", "compat"])
@pytest.mark.parametrize("sampler", ["video_only", "un", "kf"])
def test_001_p2_keys_have_no_dot_and_every_member_a_lower_case_extension(
    tmp_path: Path, sampler: str, keys: str
) -> None:
    video = footage.video(seconds=1, fps=10, size=(64, 48), audio=False)
    items = [video_item(video, number, text="A. B. C.JPG") for number in range(3)]
    (made,) = packed(PackBlock(sampler=sampler, keys=keys), items, tmp_path / "set")
    found = names(made.file.path)
    assert all(re.fullmatch(r"\d{9}(\.\d+)?\.(json|mp4|jpg)", name) for name in found)
    assert len(stock(made.file.path)) == 3
    if sampler != "video_only":
        assert len(patched(made.file.path)) == 3
