"""ffmpeg reads foreign bytes, so it is started without keys, tasks, or anything else that it does not need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import footage
from reelmill_stages.untrusted.environment import ALLOWED, reduced

SECRETS = {
    "AWS_ACCESS_KEY_ID": "CANARY",
    "AWS_SECRET_ACCESS_KEY": "CANARY",
    "AWS_SESSION_TOKEN": "CANARY",
    "RAW_AWS_SECRET_ACCESS_KEY": "CANARY",
    "REELMILL_TASK": "CANARY",
    "HF_TOKEN": "CANARY",
    "https_proxy": "http://me:CANARY@proxy",
    "FFREPORT": "file=/nowhere/CANARY",
    "LD_PRELOAD": "",
}
USE = """
import sys
from pathlib import Path
from reelmill_stages.media import ffmpeg
ffmpeg.binary(), ffmpeg.has_encoder("libx264")
argv = ffmpeg.command(Path(sys.argv[1]), Path(sys.argv[2]), streams=["v:0"], before={}, after={"c": "copy"})
ffmpeg.run(argv, timeout=60)
"""


def test_every_ffmpeg_that_is_started_sees_only_what_is_on_the_list(tmp_path: Path) -> None:
    (tmp_path / "seen").mkdir()
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(
        f'#!/bin/sh\n{shutil.which("env")} > {tmp_path}/seen/$$\nexec {imageio_ffmpeg.get_ffmpeg_exe()} "$@"\n'
    )
    wrapper.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    video = footage.video(seconds=1.0, size=(64, 32), audio=False)
    given = {**os.environ, **SECRETS, "PATH": path, "TMPDIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    subprocess.run([sys.executable, "-c", USE, str(video), str(tmp_path / "out.mp4")], env=given, check=True)

    calls = [seen.read_text() for seen in (tmp_path / "seen").iterdir()]
    assert len(calls) == 3
    names = {line.partition("=")[0] for call in calls for line in call.splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} <= {*ALLOWED, "LC_ALL"}  # a shell's own
    assert {"PATH", "TMPDIR", "LC_ALL"} <= names
    assert not any("CANARY" in call for call in calls)


@given(st.dictionaries(st.sampled_from([*ALLOWED, *SECRETS, "LC_TIME", "XLC_ALL"]) | st.text(), st.text()))
def test_what_is_not_on_the_list_is_left_out_whatever_it_is_called(environment: dict[str, str]) -> None:
    kept = reduced(environment)
    assert kept.items() <= environment.items()
    assert all(name in ALLOWED or name.startswith("LC_") for name in kept)
    assert not set(kept) & set(SECRETS)


@pytest.mark.parametrize("name", ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "LC_CTYPE"])
def test_what_a_program_needs_to_start_is_kept(name: str) -> None:
    assert reduced({name: "x", "OTHER": "y"}) == {name: "x"}
