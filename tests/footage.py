"""Small synthetic videos for tests, generated once per machine and kept in the user's cache.

The same arguments give the same file. Each frame shows its number as a pattern of black and white blocks in the top
rows, so that a test can identify it (`frame_number`).
"""

import hashlib
import os
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelmill" / "footage" / "1"
BITS = 12
BLOCK = 16


def ffmpeg(*args: str) -> None:
    """Run the ffmpeg of imageio-ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *args]
    subprocess.run(command, check=True, capture_output=True)


def video(
    *,
    seconds: float = 2.0,
    fps: int = 25,
    size: tuple[int, int] = (320, 192),
    codec: str = "libx264",
    options: tuple[str, ...] = (),
    audio: bool = True,
    container: str = "mp4",
    extra: tuple[str, ...] = (),
) -> Path:
    """A video whose frame i shows the number i. `options` go to the encoder, `extra` before the output name."""
    key = hashlib.sha256(repr((seconds, fps, size, codec, options, audio, container, extra)).encode()).hexdigest()[:16]
    path = CACHE / f"{key}.{container}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    temporary = path.with_name(f"{key}.{os.getpid()}.{container}")
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"] if audio else []
    audio_codec = {"webm": "libopus", "avi": "mp3"}.get(container, "aac")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-",
        *sound, "-c:v", codec, *options, *(["-c:a", audio_codec, "-shortest"] if audio else ["-an"]), *extra,
        str(temporary),
    ]  # fmt: skip
    frames = b"".join(picture(number, width, height).tobytes() for number in range(round(seconds * fps)))
    subprocess.run(command, input=frames, check=True, capture_output=True)
    temporary.replace(path)
    return path


def picture(number: int, width: int, height: int) -> np.ndarray:
    """Frame `number`: its bits as blocks, above a moving gradient."""
    y, x = np.mgrid[0:height, 0:width]
    frame = np.stack([(x + 3 * number) % 256, (y * 2 + number) % 256, (x + y + 5 * number) % 256], axis=-1).astype(
        np.uint8
    )
    for bit in range(BITS):
        frame[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 if number >> bit & 1 else 0
    return frame


def frame_number(frame: np.ndarray) -> int:
    """The number that an unscaled RGB frame (height, width, 3) shows."""
    half = BLOCK // 2
    return sum(1 << bit for bit in range(BITS) if frame[half, bit * BLOCK + half].mean() > 127)
