"""Small films with speech, music and noise, and the stage on one of them, as a worker would run it."""

import hashlib
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import footage
from caption.booth import Booth
from reelmill_stages.registry import stage
from reelmill_stages.stage import Input, Result
from servers.processes import running
from transcribe.speech_home import SPEECH, said, voice_model

PROGRAM = Path(footage.__file__).parent / "servers/speech_server.py"
SOUNDS = {
    "silence": "anullsrc=r=16000:d=4",
    "music": "aevalsrc='0.3*(sin(2*PI*262*t)+sin(2*PI*330*t)+sin(2*PI*392*t))*exp(-3*mod(t\\,0.5))':s=44100:d=4",
    "noise": "anoisesrc=color=pink:amplitude=0.5:r=44100:d=4:seed=7",
    "tone": "sine=frequency=440:sample_rate=44100:duration=4",
}


def film(*sounds: str, options: tuple[str, ...] = ("-c:a", "aac"), container: str = "mp4", offset: float = 0.0) -> Path:
    """A black film whose sound tracks are the named ones, or else what espeak-ng says of a text.

    `text@1.5` is said after 1.5 s of silence; `offset` shifts the sound against the pictures.
    """
    key = hashlib.sha256(repr((sounds, options, container, offset)).encode()).hexdigest()[:16]
    path = footage.CACHE / f"spoken-{key}.{container}"
    if path.exists():
        return path
    given: list[str] = ["-f", "lavfi", "-i", "color=black:s=64x64:r=10:d=8"]
    filters, maps = [], ["-map", "0"]
    for number, sound in enumerate(sounds, 1):
        text, _, after = sound.partition("@")
        source = ["-f", "lavfi", "-i", SOUNDS[text]] if text in SOUNDS else ["-i", str(said(text))]
        given += ["-itsoffset", str(offset), *source]
        filters.append(f"[{number}]adelay={round(float(after or 0) * 1000)}:all=1[a{number}]")
        maps += ["-map", f"[a{number}]"]
    sound_options = ["-filter_complex", ";".join(filters), *maps, *options] if sounds else [*maps]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.{container}")
    footage.ffmpeg(*given, *sound_options, "-t", "8", str(unfinished))
    unfinished.rename(path)
    return path


@dataclass(frozen=True)
class Listener:
    """A running server that recognises speech."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def log(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log") as response:
            found: list[dict[str, Any]] = json.load(response)
        return found


@contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    """A server process until the block ends. Raises Unavailable."""

    def command(ports: list[int]) -> list[str]:
        return [sys.executable, str(PROGRAM), str(ports[0])]

    with running(command, 1, folder, "/log", {"PYTHONPATH": str(SPEECH.find())}) as (port,):
        yield Listener(port)


class Studio(Booth):
    """A booth in which parameters may name the model that finds speech."""

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)

    def hear(self, listener: Listener, path: Path, item: dict[str, Any] | None = None, **params: Any) -> Result:
        made = stage("transcribe", {**parameters(listener.url), **params})
        made.check()
        (result,) = made.process([Input(self.item("a", path, **(item or {})), 0)], self)
        return result


def parameters(url: str) -> dict[str, Any]:
    return {"server": {"url": url}, "model": "sphinx", "voice": {"weights": {"uri": str(voice_model())}}}
