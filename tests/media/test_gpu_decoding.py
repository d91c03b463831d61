"""Decoding on a GPU, and why the CPU took over, with FFmpeg's own code on a driver that needs no GPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest

import fake_cuda
import footage
from reelmill.contract.counters import StageCounter
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.gpu_decoder import apart
from reelmill_stages.media.gpu_fallback import fallback
from reelmill_stages.media.timeline.coded_form import CodedForm
from reelmill_stages.media.timeline.timeline import read_timeline

pytestmark = pytest.mark.skipif(fake_cuda.COMPILER is None, reason="no C compiler")

SIZE = (208, 160)
X264 = ("-preset", "ultrafast", "-g", "12")
PROGRAM = """
import json, logging, os, sys
from pathlib import Path
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import read_timeline
logs = []
class Keep(logging.Handler):
    def emit(self, record): logs.append(record.getMessage())
logging.getLogger().addHandler(Keep())
found = {}
for name, case in json.loads(sys.argv[1]).items():
    os.environ.update(case["env"])
    path = Path(case["path"])
    timeline = read_timeline(path)
    pictures = list(decode(path, timeline, case["frames"], gpu=0))
    fallen = {picture.fallback for picture in pictures}
    (one,) = fallen
    found[name] = {
        "indices": [picture.index for picture in pictures],
        "pts": [picture.pts for picture in pictures],
        "frame_pts": [picture.frame.pts for picture in pictures],
        "decoder": pictures[0].decoder,
        "formats": sorted({picture.frame.format.name for picture in pictures}),
        "fallback": one and [str(one.counter), one.message],
    }
    for name in case["env"]: del os.environ[name]
found["logs"] = logs
print(json.dumps(found))
"""


def on_gpu(**cases: tuple[Path, dict[str, str]]) -> dict[str, Any]:
    """Cases by name: what decoding some frames of a file gave."""
    frames = [0, 7, 8, 20]
    given = {name: {"path": str(path), "frames": frames, "env": env} for name, (path, env) in cases.items()}
    asked = json.dumps(given)
    found: dict[str, Any] = json.loads(fake_cuda.python(PROGRAM, asked, FAKE_NVML_CAPABILITY="99.9"))
    return found


def video(codec: str = "libx264", options: tuple[str, ...] = X264, **more: Any) -> Path:
    return footage.video(codec=codec, options=options, size=more.pop("size", SIZE), audio=False, **more)


def plain() -> Path:
    return video(options=(*X264, "-pix_fmt", "yuv420p", "-bf", "2"))


def test_044_f04_a_gpu_gives_the_planned_frames_of_every_codec_with_the_times_of_the_cpu() -> None:
    files = {
        "h264": plain(),
        "hevc": video("libx265", ("-pix_fmt", "yuv420p", "-x265-params", "keyint=12:bframes=3:log-level=0")),
        "vp8": video("libvpx", ("-deadline", "realtime", "-g", "20", "-b:v", "300k"), container="webm"),
        "vp9": video(
            "libvpx-vp9", ("-pix_fmt", "yuv420p", "-cpu-used", "8", "-g", "20", "-b:v", "300k"), container="webm"
        ),
        "mpeg4": video("mpeg4", ("-bf", "2", "-g", "12", "-q:v", "3"), container="avi"),
        "mpeg2video": video("mpeg2video", ("-bf", "2", "-g", "12", "-q:v", "3"), container="ts"),
        "av1": video("libsvtav1", ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20"), container="mkv"),
    }
    found = on_gpu(**{name: (path, {}) for name, path in files.items()})
    for name, path in files.items():
        timeline = read_timeline(path)
        expected = list(decode(path, timeline, [0, 7, 8, 20]))
        assert found[name]["decoder"] == f"{name} (cuda)"
        assert found[name]["fallback"] is None
        assert found[name]["formats"] == ["nv12"]
        assert found[name]["indices"] == [picture.index for picture in expected]
        assert found[name]["frame_pts"] == [picture.frame.pts for picture in expected]


def test_044_f01_a_fallback_has_the_reason_that_the_decoder_gave() -> None:
    ten_bit = video(options=(*X264, "-pix_fmt", "yuv420p10le"))
    full = video(options=(*X264, "-pix_fmt", "yuv444p"))
    found = on_gpu(
        codec=(plain(), {"FAKE_NVDEC_CODECS": "8,11"}),
        depth=(ten_bit, {}),
        chroma=(full, {}),
        size=(plain(), {"FAKE_NVDEC_MAX": "64"}),
        memory=(plain(), {"FAKE_NVDEC_CREATE": "2"}),
        unable=(plain(), {"FAKE_NVDEC_CREATE": "801"}),
        broken=(plain(), {"FAKE_NVDEC_DECODE": "999"}),
        none=(plain(), {"FAKE_CUDA_INIT": "100"}),
        no_codec=(video("ffv1", (), container="mkv"), {}),
    )
    told = {name: case["fallback"] for name, case in found.items() if name != "logs"}
    assert {name: counter for name, (counter, _) in told.items()} == {
        "codec": "gpu_fallback_codec",
        "depth": "gpu_fallback_profile",
        "chroma": "gpu_fallback_profile",
        "size": "gpu_fallback_size",
        "memory": "gpu_fallback_memory",
        "unable": "gpu_fallback_codec",
        "broken": "gpu_fallback_driver",
        "none": "gpu_fallback_driver",
        "no_codec": "gpu_fallback_codec",
    }
    assert told["codec"][1] == "Hardware is lacking required capabilities"
    assert told["size"][1] == "Video width 208 not within range from 16 to 64"
    assert told["memory"][1].endswith("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
    assert all(case["decoder"] in ("h264", "ffv1") for name, case in found.items() if name != "logs")
    assert len([line for line in found["logs"] if "lacking required capabilities" in line]) == 2  # codec, profile


def test_044_f02_what_the_table_excludes_is_not_tried() -> None:
    av1 = video("libsvtav1", ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20"), container="mkv")
    small = video("libx265", ("-x265-params", "log-level=0"), size=(128, 128))
    deep = video(options=(*X264, "-pix_fmt", "yuv420p10le"))
    files = {"av1": av1, "h264": plain(), "depth": deep, "small": small}
    given = {name: {"path": str(path), "frames": [3], "env": {}} for name, path in files.items()}
    # A driver that fails in any other way would show that it was asked.
    said = fake_cuda.python(PROGRAM, json.dumps(given), FAKE_NVML_CAPABILITY="9.0", FAKE_NVDEC_CREATE="2")
    told = {name: case["fallback"] for name, case in json.loads(said).items() if name != "logs"}
    assert told["av1"] == ["gpu_fallback_codec", "GPUs of Turing, GA100 and Hopper have no decoder for av1"]
    assert told["depth"][0] == "gpu_fallback_profile"
    assert "h264 with 4:2:0 10 bits" in told["depth"][1]
    assert told["small"] == [
        "gpu_fallback_size",
        "GPUs of Turing, GA100 and Hopper do not decode 128x128 pixels of hevc",
    ]
    assert told["h264"][0] == "gpu_fallback_memory"


def test_what_only_some_gpus_of_a_generation_decode_is_tried() -> None:
    hevc = video("libx265", ("-x265-params", "log-level=0"), size=(320, 240))
    given = {"hevc": {"path": str(hevc), "frames": [3], "env": {}}}
    said = fake_cuda.python(PROGRAM, json.dumps(given), FAKE_NVML_CAPABILITY="6.1", FAKE_NVDEC_CREATE="2")
    counter, told = json.loads(said)["hevc"]["fallback"]
    assert (counter != "gpu_fallback_codec", "GPUs of" not in told) == (True, True)  # it failed, but it was tried


def test_a_cover_picture_that_a_gpu_decodes_is_not_taken_for_the_video(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    lossless = video("ffv1", (), container="mkv")
    pictures = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=1")
    footage.ffmpeg(
        "-i", str(lossless), *pictures, "-map", "0", "-map", "1", "-c:v:0", "copy", "-c:v:1", "mjpeg", str(path)
    )
    found = on_gpu(two=(path, {}))["two"]
    assert (found["decoder"], found["fallback"]) == ("ffv1", ["gpu_fallback_codec", "no supported hardware for ffv1"])


def test_av1_that_its_container_turns_is_left_to_the_cpu(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    av1 = video("libsvtav1", ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20"), container="mp4")
    footage.ffmpeg("-display_rotation", "90", "-i", str(av1), "-c", "copy", str(path))
    assert read_timeline(path).shape.turned
    found = on_gpu(turned=(path, {}))["turned"]
    assert (found["decoder"], found["fallback"][0]) == ("libdav1d", "gpu_fallback_other")


def test_a_decoder_beside_the_containers_gives_the_same_frames() -> None:
    path = video("libsvtav1", ("-preset", "10", "-pix_fmt", "yuv420p", "-g", "20"), container="mp4")
    with av.open(str(path)) as container:
        expected = [(frame.pts, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = apart(stream, av.Codec("libdav1d", "r"), None)
        found = [frame for packet in container.demux(stream) for frame in context.decode(packet)]
    assert [(frame.pts, frame.to_ndarray().tobytes()) for frame in found] == expected


@pytest.mark.parametrize(
    ("name", "sampling"),
    [
        ("yuv420p", "4:2:0 8"), ("yuvj420p", "4:2:0 8"), ("nv12", "4:2:0 8"), ("yuv420p10le", "4:2:0 10"),
        ("p010le", "4:2:0 10"), ("yuv422p12le", "4:2:2 12"), ("yuv444p", "4:4:4 8"), ("yuv411p", "4:1:1 8"),
        ("yuv440p", "4:4:0 8"), ("gray", "4:0:0 8"), ("gray10le", "4:0:0 10"), ("rgb24", ""), ("gbrp", ""),
        ("pal8", ""), ("", ""), ("no such", ""),
    ],
)  # fmt: skip
def test_a_pixel_format_tells_chroma_and_depth(name: str, sampling: str) -> None:
    assert CodedForm(name).sampling == sampling


@pytest.mark.parametrize(
    ("message", "counter"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB", StageCounter.GPU_FALLBACK_MEMORY),
        ("[h264_nvenc @ 0x55d5] Cannot load libnvidia-encode.so.1", StageCounter.GPU_FALLBACK_DRIVER),
        ("OpenEncodeSessionEx failed: unsupported device (2)\nNo capable devices", StageCounter.GPU_FALLBACK_CODEC),
        ("OpenEncodeSessionEx failed: incompatible client key (21)", StageCounter.GPU_FALLBACK_MEMORY),
        ("OpenEncodeSessionEx failed: out of memory (10)\nNo capable devices found", StageCounter.GPU_FALLBACK_MEMORY),
        ("The NVIDIA driver on your system is too old (found version 11040)", StageCounter.GPU_FALLBACK_DRIVER),
        ("Torch not compiled with CUDA enabled", StageCounter.GPU_FALLBACK_PACKAGE),
        ("Video macroblock count 99999 exceeds maximum of 65536", StageCounter.GPU_FALLBACK_SIZE),
        ("something new", StageCounter.GPU_FALLBACK_OTHER),
        ("", StageCounter.GPU_FALLBACK_OTHER),
    ],
)  # fmt: skip
def test_messages_of_torch_and_of_encoders_have_their_reasons(message: str, counter: StageCounter) -> None:
    assert fallback([message]).counter is counter


def test_a_message_is_one_clean_line_without_addresses_and_credentials() -> None:
    (one, other) = (
        fallback([f"[h264 @ {pointer}] https://user:secret@host/x\x1b[2J {'wide ' * 99}"])
        for pointer in ("0x7fe1513140a0", "0x55a8c22363d0")
    )
    assert one == other
    assert len(one.message) <= 200
    assert one.message.isprintable()
    assert "secret" not in one.message
