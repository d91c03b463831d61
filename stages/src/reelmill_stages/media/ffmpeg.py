"""Location, command lines and execution of the ffmpeg binary.

Only this module imports ffmpeg-python (which only builds argument lists) and imageio_ffmpeg. Media is untrusted: ffmpeg
gets no terminal and no keyboard input, reads and writes local files only, and is killed after a timeout.
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
from reelmill.contract.process.exhaustion import exhausted_resource
from reelmill.contract.reasons import ItemReason
from reelmill_stages.untrusted.environment import reduced

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ffmpeg

MINIMUM = (5, 1)
"""The oldest ffmpeg that supports every option used here."""

_HEAD, _TAIL = 400, 800
"""Number of bytes of messages that are kept, from the beginning and the end."""
_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Binary:
    """An ffmpeg binary. `version` is empty for builds without a number, which are treated as new enough."""

    path: str
    version: tuple[int, ...]
    banner: str


@cache
def binary(minimum: tuple[int, ...] = MINIMUM) -> Binary:
    """Return the first ffmpeg of at least this version: from PATH, else the one bundled with imageio-ffmpeg.

    Raises SpecError if there is none.
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
    """Return the argument list that converts streams (`v:0`, `a:0`) of one local file into another.

    `before` are input options, `after` output options; the value of an option without an argument is None. Paths are
    made absolute and prefixed with a protocol, so ffmpeg does not interpret any character in them.
    """
    opened = ffmpeg.input(f"file:{source.absolute()}", protocol_whitelist="file", **before)
    written = ffmpeg.output(*(opened[stream] for stream in streams), f"file:{target.absolute()}", **after)
    written = written.global_args("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
    argv: list[str] = written.compile(cmd=binary().path)
    return argv


def run(argv: Sequence[str], *, timeout: float) -> None:
    """Run ffmpeg and wait for it.

    Raises ItemError(`encode_timeout`) after `timeout` seconds of wall time, ItemError(`ffmpeg_failed`) with its first
    and last messages if it fails, Exhausted if it ran out of memory or files, and TransientError if the disk is full.
    """
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env=reduced(os.environ),
            process_group=0,
            preexec_fn=_death_signal_setter(),
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
        excerpt = _message_excerpt(messages)
    if "No space left on device" in excerpt:
        raise TransientError("the disk is full", where=argv[-1], hint="give the stage more scratch space")
    if short_of := exhausted_resource(excerpt):
        raise Exhausted(
            short_of, f"ffmpeg ended with {status}: {excerpt}", hint="give the stage more of it, then run again"
        )
    raise ItemError(ItemReason.FFMPEG_FAILED, f"ffmpeg ended with {status}: {excerpt}")


def parse_version(banner: str) -> tuple[int, ...]:
    """Return the version in `ffmpeg version n7.0.2-static …`; empty if the build has none."""
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


def _death_signal_setter() -> Callable[[], None] | None:
    """Return a `preexec_fn` that kills ffmpeg when its parent ends, so that a killed worker leaves no encoder."""
    libc = _LIBC
    if libc is None:
        return None
    return lambda: libc.prctl(_PDEATHSIG, signal.SIGKILL)


def _message_excerpt(messages: IO[bytes]) -> str:
    """Return the first messages, which have the cause, and the last ones, each once, without object addresses."""
    size = messages.seek(0, 2)
    messages.seek(0)
    data = messages.read(_HEAD + _TAIL)
    if size > len(data):
        messages.seek(size - _TAIL)
        data = data[:_HEAD] + "…\n".encode() + messages.read()
    lines = data.decode(errors="replace").splitlines()
    plain = (re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\] ?", "", line).strip() for line in lines)
    return " | ".join(dict.fromkeys(line for line in plain if line))
