"""What a release is made of: the checkout's version, time and files."""

import os
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ReleaseProblem(Exception):
    """Why no release can be made, and what to do."""


def version() -> str:
    """The version in `operator/pyproject.toml`, which `make generate` writes everywhere else."""
    return str(tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"])


def semantic(release: str) -> str:
    """A version of Python packages as Semantic Versioning writes it: `0.2.0rc1` is `0.2.0-rc.1`."""
    for word in ("a", "b", "rc"):
        number, found, count = release.partition(word)
        if found:
            return f"{number}-{word}.{count}"
    return release


def commit_time() -> int:
    """Seconds since 1970: SOURCE_DATE_EPOCH, or when the commit was made."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    if not given.isdecimal():
        raise ReleaseProblem(f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, not {given!r}")
    return int(given)


def tracked(folder: str) -> list[Path]:
    """The files of a folder that git knows, sorted."""
    return [ROOT / name for name in sorted(git("ls-files", "-z", folder).split("\0")) if name]


def git(*words: str) -> str:
    """What git says about the checkout. Raises ReleaseProblem."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"git {words[0]} failed, and a release is made from a git checkout: {done.stderr.strip()}")
    return done.stdout
