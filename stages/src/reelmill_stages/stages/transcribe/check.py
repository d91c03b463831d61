"""`reelmill check` for transcripts: every WebVTT file opens, and its cues are in order and have text.

Rules: `header` (the file begins with WEBVTT), `cues` (each cue has ordered times, follows the previous one, and has
text).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from reelmill_stages.format_checks import Finding, unreadable

FORMAT = "transcripts"
_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
_CUE = re.compile(rf"{_TIME} --> {_TIME}")


class TranscriptsCheck:
    """The check for the format `transcripts`."""

    def detect(self, folder: Path) -> bool:
        return next(_transcript_files(folder), None) is not None

    def check(self, folder: Path) -> Iterator[Finding]:
        for path in sorted(_transcript_files(folder)):
            name = str(path.relative_to(folder))
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                yield Finding(name, "header", ok=False, message=unreadable(error))
                continue
            if not re.match(r"WEBVTT(\s|$)", text):
                yield Finding(name, "header", ok=False, message="the file does not begin with WEBVTT")
                continue
            problem = _cue_problem(text)
            yield Finding(name, "cues", ok=not problem, message=problem)


def _transcript_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.vtt") if "_reelmill" not in path.relative_to(folder).parts)


def _cue_problem(text: str) -> str:
    before = 0
    for number, block in enumerate(filter(None, re.split(r"\n{2,}", text.strip())[1:]), 1):
        first, _, text_lines = block.partition("\n")
        found = _CUE.fullmatch(first)
        if found is None:
            return f"cue {number} has no times: {first[:60]!r}"
        start, end = (_milliseconds(found.groups()[at : at + 4]) for at in (0, 4))
        if not before <= start <= end:
            return f"cue {number} is out of order: {first}"
        if not text_lines.strip():
            return f"cue {number} has no text"
        before = start
    return ""


def _milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, rest = (int(part) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
