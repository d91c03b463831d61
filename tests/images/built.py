"""The product's images without a registry: built by `images/build.py` with buildah on a base that is debootstrapped.

Built once for each state of the sources, into the user's cache. `archive` gives one for `ctr images import`.
REELMILL_IMAGES names a folder of archives that were built before (`make images ARGS="--archives FOLDER --registry
reelmill.test --tag test"`): they are taken as they are.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cluster import packages
from cluster.build import CACHE as CLUSTER_CACHE
from cluster.unavailable import Unavailable
from repo.tree import ROOT, files

CACHE = CLUSTER_CACHE.parent / "images"
REGISTRY = "reelmill.test"
TAG = "test"
SUITE = "bookworm"
INSIDE = ("python3", "python3-venv", "ca-certificates")
LEFT_OUT = ("doc", "man", "locale", "info", "lintian")
CERTIFICATES = "/etc/ssl/certs"
OPTIONS = [
    *("--isolation", "chroot", "--network", "host"),
    # Where nobody may raise limits, the builder's own wishes would stop it.
    *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
    # A package index behind a proxy is trusted as this machine trusts it.
    *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
    *("--build-arg", f"PIP_CERT={CERTIFICATES}/ca-certificates.crt"),
]
INPUTS = ("operator/", "stages/", "images/", "requirements.lock", "requirements-torch.lock", "LICENSE")
KEPT = 3
"""States of the sources whose archives are kept."""
LAYERS = 24
"""Nameless images, layers of earlier builds, that the builder's store may hold; with these it takes some 15 GB."""


def reference(key: str) -> str:
    """Name of the image `operator` or of `stages-cpu`, `stages-gpu` or `stages-embed`, as a node knows it."""
    kind, _, target = key.partition("-")
    return f"{REGISTRY}/reelmill-{kind}:{TAG}{f'-{target}' if target in ('gpu', 'embed') else ''}"


def archive(key: str) -> Path:
    """OCI archive of an image, built if the sources changed. Raises Unavailable."""
    if given := os.environ.get("REELMILL_IMAGES"):
        if not (wanted := Path(given) / f"{key}.tar").exists():
            raise Unavailable(f"REELMILL_IMAGES={given} holds no {key}.tar")
        return wanted
    packages.require(packages.IMAGES)
    with _lock():
        folder = CACHE / _state()
        wanted = folder / f"{key}.tar"
        if not wanted.exists():
            _build(key, folder)
        os.utime(folder)
        for old in sorted(CACHE.glob("state-*"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old)
    return wanted


def buildah(*words: str) -> str:
    """Ask buildah about what is built here. Raises CalledProcessError."""
    return subprocess.run([*_engine(), *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _engine() -> list[str]:
    # A store of our own: nothing is mixed with images that somebody made by hand.
    return ["buildah", "--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run")]


def _build(key: str, folder: Path) -> None:
    print(f"building the image {key}", file=sys.stderr, flush=True)
    if not folder.exists() and len(buildah("images", "--quiet", "--filter", "dangling=true").split()) > LAYERS:
        buildah("rmi", "--prune")
        # Images of one state share layers: what would be built beside these archives from now on does not.
        for other in CACHE.glob("state-*"):
            shutil.rmtree(other)
    command = [sys.executable, str(ROOT / "images/build.py"), key, "--engine", " ".join(_engine())]
    with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        command += ["--base-image", _base(), "--registry", REGISTRY, "--tag", TAG, "--archives", unfinished]
        done = subprocess.run([*command, "--", *OPTIONS], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Unavailable(f"the image {key} could not be built: {(done.stdout + done.stderr)[-2000:]}")
        folder.mkdir(exist_ok=True)
        (Path(unfinished) / f"{key}.tar").rename(folder / f"{key}.tar")
    print(done.stdout.splitlines()[-1], file=sys.stderr, flush=True)


def _base() -> str:
    """A Debian with Python and little else."""
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(INSIDE)}", *options, SUITE]
    name = f"localhost/base:{_digest(' '.join(command).encode())}"
    if name in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return name
    with tempfile.TemporaryDirectory(dir=CACHE) as passing:
        tar = f"{passing}/base.tar"
        done = subprocess.run([*command, tar], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Unavailable(f"mmdebstrap failed: {done.stderr.strip()[-1000:]}")
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, tar, "/")
        buildah("commit", "--quiet", "--rm", container, name)
    return name


@cache
def _state() -> str:
    """Digest of everything that goes into an image, when this process first asked."""
    told = hashlib.sha256(" ".join(OPTIONS).encode())
    for path in sorted(files()):
        if (name := str(path.relative_to(ROOT))).startswith(INPUTS):
            told.update(f"{name}\0{_digest(path.read_bytes())}\n".encode())
    return f"state-{told.hexdigest()[:16]}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@contextmanager
def _lock() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
