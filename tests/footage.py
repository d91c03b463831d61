"""Small synthetic videos for tests, generated once per machine and kept in the user's cache.

The same arguments give the same file, also of `ffmpeg`, which copies what an earlier test or run made of the same
inputs. Each frame shows its number as a pattern of black and white blocks in the top rows, so that a test can identify
it (`frame_number`).
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelmill" / "footage" / "1"
BITS = 12
BLOCK = 16


SMALL = 4 << 20
"""Bytes of the largest file that `ffmpeg` keeps."""


def ffmpeg(*args: str, content: bytes = b"") -> None:
    """Make the file that the last argument names with the ffmpeg of imageio-ffmpeg; `content` is its standard input.

    A small file is also kept in the cache, and copied from there if arguments, inputs and program are the same.
    """
    *options, name = args
    target, recipe = Path(name), _recipe(options, content)
    kept = CACHE / "made" / f"{recipe}{target.suffix}"
    if recipe and kept.exists():
        shutil.copyfile(kept, target)
        return
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *args]
    subprocess.run(command, input=content, check=True, capture_output=True)
    if recipe and target.is_file() and target.stat().st_size <= SMALL:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, temporary := kept.with_name(f"{kept.stem}.{os.getpid()}{kept.suffix}"))
        temporary.replace(kept)


def _recipe(options: Sequence[str], content: bytes) -> str:
    """A digest of everything that a file is made of; empty if an option names files in another way than by its path."""
    program = Path(imageio_ffmpeg.get_ffmpeg_exe())
    digest = hashlib.sha256(f"{program.name} {program.stat().st_size}".encode())
    for option in options:
        path, part = Path(option), os.fsencode(option)
        if path.is_absolute() and path.is_file():
            part = hashlib.sha256(path.read_bytes()).digest() + path.suffix.encode()
        elif tempfile.gettempdir() in option:
            return ""
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(content)
    return digest.hexdigest()


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
