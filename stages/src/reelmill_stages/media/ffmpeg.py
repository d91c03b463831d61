"""The ffmpeg binary: where it is, how its command line is built, how it is run.

The only importer of ffmpeg-python (which builds argument lists and nothing else) and of imageio_ffmpeg. Media is
untrusted: ffmpeg gets no terminal and no keys, reads and writes local files only, and is killed when its time is up.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from reelmill.contract.errors import Exhausted, ItemError, SpecError, TransientError
from reelmill.contract.process.exhaustion import exhausted_in
from reelmill.contract.reasons import ItemReason
from reelmill_stages.untrusted.environment import reduced

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ffmpeg

MINIMUM = (5, 1)
"""The oldest ffmpeg that has every option used here."""

_HEAD, _TAIL = 400, 800
"""Bytes of messages that are kept."""
_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Binary:
    """An ffmpeg: its path and version. `version` is empty for builds that carry no number (taken for new enough)."""

    path: str
    version: tuple[int, ...]
    banner: str


@cache
def binary(minimum: tuple[int, ...] = MINIMUM) -> Binary:
    """The first ffmpeg of at least this version: on PATH, else the one that imageio-ffmpeg brings.

    Raises SpecError when there is none.
    """
    found = []
    for path in (shutil.which("ffmpeg"), _bundled()):
        if path is None:
            continue
        banner = _banner(path)
        version = parse_version(banner)
        found.append(f"{path}: {banner or 'does not run'}")
        if banner and (not version or version >= minimum):
            return Binary(path, version, banner)
    wanted = ".".join(map(str, minimum))
    raise SpecError(
        f"no ffmpeg of version {wanted} or later ({'; '.join(found) or 'none found'})",
        hint="put ffmpeg on PATH, or install a newer imageio-ffmpeg",
    )


@cache
def has_encoder(name: str) -> bool:
    """Whether the binary was built with this encoder."""
    shown = subprocess.run(
        [binary().path, "-hide_banner", "-nostdin", "-encoders"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=reduced(os.environ),
    )
    return any(line.split()[1:2] == [name] for line in shown.stdout.splitlines())


def command(
    source: Path,
    target: Path,
    *,
    streams: Sequence[str],
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> list[str]:
    """The argument list that turns the streams (`v:0`, `a:0`) of one local file into another.

    `before` are options of the input, `after` of the output; an option without a value has None. Paths are made
    absolute and named by protocol, so that no character in them means anything to ffmpeg.
    """
    opened = ffmpeg.input(f"file:{source.absolute()}", protocol_whitelist="file", **before)
    written = ffmpeg.output(*(opened[stream] for stream in streams), f"file:{target.absolute()}", **after)
    written = written.global_args("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
    argv: list[str] = written.compile(cmd=binary().path)
    return argv


def run(argv: Sequence[str], *, timeout: float) -> None:
    """Run ffmpeg to its end.

    Raises ItemError(`encode_timeout`) after `timeout` seconds of wall time, ItemError(`ffmpeg_failed`) with the first
    and last of its messages when it fails, Exhausted when it ran out of memory or files, and TransientError when the
    disk is full.
    """
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env=reduced(os.environ),
            process_group=0,
            preexec_fn=_dies_with_parent(),
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ItemError(
                ItemReason.ENCODE_TIMEOUT, f"ffmpeg was not done after {timeout:.0f} s and was killed"
            ) from None
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        if status == 0:
            return
        said = _ends(messages)
    if "No space left on device" in said:
        raise TransientError("the disk is full", where=argv[-1], hint="give the stage more scratch space")
    if short_of := exhausted_in(said):
        raise Exhausted(
            short_of, f"ffmpeg ended with {status}: {said}", hint="give the stage more of it, then run again"
        )
    raise ItemError(ItemReason.FFMPEG_FAILED, f"ffmpeg ended with {status}: {said}")


def parse_version(banner: str) -> tuple[int, ...]:
    """The version in `ffmpeg version n7.0.2-static …`; empty when the build carries none."""
    match = re.match(r"ffmpeg version n?(\d+(?:\.\d+)+)", banner)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def _bundled() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _banner(path: str) -> str:
    try:
        shown = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=30, check=False, env=reduced(os.environ)
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return shown.stdout.partition("\n")[0] if shown.returncode == 0 else ""


def _dies_with_parent() -> Callable[[], None] | None:
    """A worker that the watchdog kills must not leave an encoder behind."""
    libc = _LIBC
    if libc is None:
        return None
    return lambda: libc.prctl(_PDEATHSIG, signal.SIGKILL)


def _ends(messages: IO[bytes]) -> str:
    """The first messages, which tell the cause, and the last ones, each once, without addresses of ffmpeg's objects."""
    size = messages.seek(0, 2)
    messages.seek(0)
    said = messages.read(_HEAD + _TAIL)
    if size > len(said):
        messages.seek(size - _TAIL)
        said = said[:_HEAD] + "…\n".encode() + messages.read()
    lines = said.decode(errors="replace").splitlines()
    plain = (re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\] ?", "", line).strip() for line in lines)
    return " | ".join(dict.fromkeys(line for line in plain if line))
