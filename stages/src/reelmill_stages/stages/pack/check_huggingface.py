"""The rules of Hugging Face: the first samples have equal parts, videos have a known suffix, and no index is data.

Its `webdataset` builder treats every `*.tar*` file as data unless the front matter of the README lists data files.
"""

import fnmatch
from pathlib import Path

from reelmill_stages.tar.inspect import Contents
from reelmill_stages.tar.samples import TarProblem
from reelmill_stages.untrusted.front_matter import data_files

UNKNOWN_VIDEOS = frozenset({"webm", "flv", "ts", "m4v", "wmv"})
"""Suffixes of videos that are returned as bytes instead of a video."""


def columns(found: Contents) -> list[TarProblem]:
    """The rules that the first samples of a tar break."""
    problems = []
    if len(set(found.first)) > 1:
        one, other = sorted(set(found.first), key=found.first.index)[:2]
        differ = ", ".join(sorted(set(one) ^ set(other))[:4])
        message = (
            f"the first {len(found.first)} samples must have equal parts for Hugging Face; they differ in {differ}"
        )
        problems.append(TarProblem("same_parts", message))
    videos = {part for names in found.first for part in names if part.rpartition(".")[2] in UNKNOWN_VIDEOS}
    if videos:
        message = f"Hugging Face does not recognise {', '.join(sorted(videos))} as a video: use mp4"
        problems.append(TarProblem("video_suffix", message))
    return problems


def readme(folder: Path, tars: list[str]) -> TarProblem | None:
    """The rule that the README.md of the folder breaks, or None; it is needed if tars have index files."""
    indexed = [f"{tar}.idx" for tar in tars if (folder / f"{tar}.idx").exists()]
    if not indexed:
        return None
    patterns = data_files(folder / "README.md")
    if not patterns:
        return TarProblem(
            "readme", "data_files is missing in the front matter, so Hugging Face would read .tar.idx files as data"
        )
    for name in indexed:
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            return TarProblem("readme", f"data_files matches {name}, which is not data")
    for name in tars:
        if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            return TarProblem("readme", f"data_files does not match {name}")
    return None
