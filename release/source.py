"""The checkout that a release is built from: its version, commit time and files."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


_VERSION = re.compile(r"(\d+\.\d+\.\d+)(?:(a|b|rc)(\d+))?(?:\.post(\d+))?(?:\.dev(\d+))?")


class ReleaseProblem(Exception):
    """A release cannot be made; the message contains a remedy."""


def version() -> str:
    """The version in `operator/pyproject.toml`, which `make generate` copies to other files."""
    return str(tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"])


def semantic(release: str) -> str:
    """Convert a Python version to Semantic Versioning: `0.2.0rc1` becomes `0.2.0-rc.1`.

    The order of versions is kept, except for a `.post` of a final version: Semantic Versioning has no equivalent, so it
    becomes build metadata (`0.2.0.post1` is `0.2.0+post.1`). Raises ReleaseProblem if the version has another form.
    """
    found = _VERSION.fullmatch(release)
    if found is None:
        raise ReleaseProblem(f"{release} is no version of a release: write 0.2.0, 0.2.0rc1, 0.2.0.post1 or 0.2.0.dev1")
    number, word, count, post, dev = found.groups()
    # Numbers sort before words: development versions come before `a.0`, and `rc.1.0.dev.2` would come after `rc.1`.
    before = f"{word}.{count}" if word else ""
    if post and (before or dev):
        raise ReleaseProblem(f"{release} cannot be written as a semantic version: release it as another number")
    if dev:
        before = f"{word}.{int(count) - 1}.dev.{dev}" if word and int(count) else f"0.dev.{dev}" if not word else ""
        if not before:
            raise ReleaseProblem(f"{release} cannot be written as a semantic version: begin with {word}1")
    return f"{number}{'-' if before else ''}{before}{f'+post.{post}' if post else ''}"


def commit_time() -> int:
    """Seconds since 1970: SOURCE_DATE_EPOCH, or the time of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    if not given.isdecimal():
        raise ReleaseProblem(f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, not {given!r}")
    return int(given)


def tracked(folder: str) -> list[Path]:
    """The files of a folder that git tracks, sorted."""
    return [ROOT / name for name in sorted(git("ls-files", "-z", folder).split("\0")) if name]


def git(*words: str) -> str:
    """Run git in the checkout and return its output. Raises ReleaseProblem."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"git {words[0]} failed, and a release is made from a git checkout: {done.stderr.strip()}")
    return done.stdout
