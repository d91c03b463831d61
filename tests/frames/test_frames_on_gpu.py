"""A run whose pods have a GPU: what it decodes, what falls back, and where the reason is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import fake_cuda
import footage

pytestmark = [pytest.mark.store, pytest.mark.skipif(fake_cuda.COMPILER is None, reason="no C compiler")]
SVT = ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20")
H264 = ("-preset", "ultrafast", "-pix_fmt", "yuv420p")
HOPPER = {"FAKE_NVML_CAPABILITY": "9.0", "FAKE_NVML_NAME": "NVIDIA H100"}


def reelmill(*words: str, **env: str) -> str:
    command = [sys.executable, "-m", "reelmill.cli", *words]
    done = subprocess.run(command, env=fake_cuda.environment(**env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_044_f01_a_run_tells_why_which_videos_fell_back(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for name, codec, options in (("a.mp4", "libx264", H264), ("b.mkv", "libsvtav1", SVT)):
        made = footage.video(codec=codec, options=options, size=(208, 160), audio=False, container=name[2:])
        shutil.copyfile(made, tmp_path / "videos" / name)
    pipeline = {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {"name": "gpu"},
        "spec": {
            "store": {"uri": str(tmp_path / "data")},
            "sources": [{"name": "raw", "files": {"uri": str(tmp_path / "videos")}}],
            "stages": [{"name": "samples", "frames": {"count": 4, "layout": "jpg"}, "gpu": {"decodes": ["h264"]}}],
        },
    }
    (tmp_path / "gpu.yaml").write_text(yaml.safe_dump(pipeline))
    file = str(tmp_path / "gpu.yaml")
    said = reelmill("run", file, **HOPPER)
    reason = "GPUs of Turing, GA100 and Hopper have no decoder for av1"
    assert said.count(reason) == 1
    assert "gpu_fallback 1, gpu_fallback_codec 1" in reelmill("status", file)
    (items,) = (tmp_path / "data/samples").glob("*/0001/_reelmill/items/*.jsonl")
    rows: list[dict[str, Any]] = [json.loads(line) for line in items.read_text().splitlines()]
    told = {Path(row["key"]).suffix: row["provenance"] for row in rows}
    assert told[".mp4"]["decoder"] == "h264 (cuda)"
    assert "gpu_fallback" not in told[".mp4"]
    assert told[".mkv"]["decoder"] == "libdav1d"
    assert told[".mkv"]["gpu_fallback"] == {"reason": "codec", "message": reason}
