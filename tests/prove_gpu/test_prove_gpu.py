"""`make prove-gpu` rehearsed without a GPU, and on a driver that is none: what is skipped, what fails, and why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fake_cuda
from prove_gpu.__main__ import run_part
from prove_gpu.case import Outcome
from prove_gpu.decoding import compared
from prove_gpu.parts import PARTS, Part
from prove_gpu.streams import STREAMS, reference

pytestmark = pytest.mark.skipif(fake_cuda.COMPILER is None, reason="no C compiler")
NONE = {"FAKE_NVML": "absent", "LD_LIBRARY_PATH": ""}
"""Variables of a machine without a GPU."""


def prove(folder: Path, *words: str, **env: str) -> tuple[int, str, dict[str, Any]]:
    """Exit status, what is printed, and the file of results."""
    file = folder / "found.json"
    command = [sys.executable, "-m", "prove_gpu", "--json", str(file), *words]
    done = subprocess.run(command, env=fake_cuda.environment(**env), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, json.loads(file.read_text()) if file.exists() else {}


def test_044_f06_without_a_gpu_each_part_is_skipped_by_name_with_its_reason(tmp_path: Path) -> None:
    status, said, found = prove(tmp_path, "--skip", "streams,bench", **NONE)
    assert status == 0, said
    assert {case["part"]: case["why"] for case in found["cases"]} == {
        **{part.name: "no GPU: NVIDIA's management library finds none" for part in PARTS},
        "streams": "left out by --skip",
        "bench": "left out by --skip",
    }
    assert {part["outcome"] for part in found["parts"].values()} == {"skipped"}
    assert all(f"skipped {part.name}" in said for part in PARTS)
    assert "0 passed, 0 failed, 9 skipped" in said


def test_where_a_gpu_is_required_its_absence_is_a_failure(tmp_path: Path) -> None:
    everything = [word for part in PARTS for word in ("--skip", part.name)]
    assert prove(tmp_path, "--skip", "streams", REELMILL_REQUIRE="gpu", **NONE)[0] == 1
    assert prove(tmp_path, *everything, REELMILL_REQUIRE="gpu", **NONE)[0] == 0


def test_a_part_that_does_not_exist_is_refused_with_the_names_of_those_that_do(tmp_path: Path) -> None:
    status, said, _ = prove(tmp_path, "--skip", "decoding", **NONE)
    assert status == 2
    assert "no such part: decoding; there are streams, machine, decode" in said


@pytest.mark.store
def test_the_streams_are_made_and_decoded_without_a_gpu(tmp_path: Path) -> None:
    status, said, found = prove(tmp_path, **NONE)
    assert status == 0, said
    cases = [case for case in found["cases"] if case["part"] == "streams"]
    assert [case["case"] for case in cases] == [stream.name for stream in STREAMS]
    assert {case["outcome"] for case in cases} <= {"passed", "skipped"}
    assert {case["numbers"]["frames"] for case in cases if case["outcome"] == "passed"} == {50}


@pytest.mark.store
def test_044_f05_a_decoder_whose_pictures_are_wrong_is_found_out_and_the_table_is_held_against_it(
    tmp_path: Path,
) -> None:
    words = "streams,embed,grid,transnetv2,bench,normalise"
    hopper = {"FAKE_NVML_CAPABILITY": "9.0", "FAKE_NVML_NAME": "NVIDIA H100"}
    hopper |= {"FAKE_NVML_BUSY": "40", "FAKE_NVML_DECODER": "30"}
    status, said, found = prove(tmp_path, "--skip", words, **hopper)
    assert status == 1, said
    cases = {(case["part"], case["case"]): case for case in found["cases"]}
    assert cases["machine", "GPU 0"]["numbers"]["compute_capability"] == "9.0"
    assert "samples differ" in cases["decode", "h264 yuv420p"]["why"]
    av1 = cases["decode", "av1 yuv420p"]
    assert av1["outcome"] == "passed"
    assert av1["why"].startswith("left to the CPU: GPUs of Turing, GA100 and Hopper have no decoder for av1; ")
    assert av1["why"].endswith("gives 50 frames, so the table may be extended")
    ten_bit = cases["decode", "hevc yuv420p10le"]
    assert (ten_bit["outcome"], ten_bit["why"]) == (
        "failed", "fell back (profile): Hardware is lacking required capabilities",
    )  # fmt: skip
    usage = cases["usage", "GPU seconds"]["numbers"]
    assert 0 < usage["gpu_seconds"] <= 0.4 * usage["seconds"] + 0.01
    assert usage["decoder_seconds"] == pytest.approx(usage["gpu_seconds"] * 30 / 40, abs=0.02)


def test_a_part_that_breaks_off_or_takes_too_long_fails_and_says_so() -> None:
    (broken,) = run_part(Part("nobody", "nothing", "nowhere:run", 60, ()), 60)
    assert (broken.outcome, broken.why[:12]) == (Outcome.FAILED, "ended with 1")
    (late,) = run_part(Part("streams", "", "streams:run", 0.01, ()), 60)
    assert (late.outcome, late.why) == (Outcome.FAILED, "not done after 0 s")
    (out_of_time,) = run_part(PARTS[0], 0)
    assert out_of_time.outcome is Outcome.SKIPPED


def test_frames_in_another_order_with_other_times_or_samples_are_not_the_same() -> None:
    found = reference(STREAMS[0]).pictures
    assert compared(found, found, exact=True) == []
    assert compared(found[1:], found[:-1], exact=True) == [f"the frames are {list(range(1, 21))}"]
    assert compared(found[:0], found, exact=True) == ["the frames are []"]
