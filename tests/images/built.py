"""The product's images without a registry: built by `images/build.py` with buildah on a base that is debootstrapped.

Built once for each state of the sources, into the user's cache, by `make prepare TIERS=nodes`. `archive` gives one for
`ctr images import`.
REELMILL_IMAGES names a folder of archives that were built before (`make images ARGS="--archives FOLDER --registry
reelmill.test --tag test"`): they are taken as they are.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from cluster.unavailable import Unavailable
from repo.tree import ROOT, files
from tools.cache import CACHE as TOOLS
from tools.cache import locked
from tools.command import output
from tools.tool import not_prepared

CACHE = TOOLS / "images"
GUARD = CACHE / ".lock"
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
INPUTS = ("operator/", "stages/", "images/", "LICENSE")
KEPT = 3
"""States of the sources whose archives are kept."""
LAYERS = 24
"""Nameless images, layers of earlier builds, that the builder's store may hold; with these it takes some 15 GB."""


def reference(key: str) -> str:
    """Name of the image `operator` or of `stages-cpu`, `stages-gpu` and so on, as a node knows it."""
    kind, _, target = key.partition("-")
    return f"{REGISTRY}/reelmill-{kind}:{TAG}{f'-{target}' if target not in ('', 'cpu') else ''}"


def archive(key: str) -> Path:
    """OCI archive of an image of the sources as they are. Raises Unavailable."""
    if given := os.environ.get("REELMILL_IMAGES"):
        if not (wanted := Path(given) / f"{key}.tar").exists():
            raise Unavailable(f"REELMILL_IMAGES={given} holds no {key}.tar")
        return wanted
    if not (wanted := CACHE / _state() / f"{key}.tar").exists():
        raise not_prepared(f"the image {key} of these sources", "models" if key == "stages-embed" else "nodes")
    return wanted


def make(key: str) -> None:
    """Build an image, if the sources changed. Raises Unavailable."""
    if os.environ.get("REELMILL_IMAGES"):
        archive(key)
        return
    with locked(GUARD):
        folder = CACHE / _state()
        if not (folder / f"{key}.tar").exists():
            _build(key, folder)
        os.utime(folder)
        for old in sorted(CACHE.glob("state-*"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old)


def base() -> str:
    """Name of the image that the product's are built on: a Debian with Python and little else. Raises Unavailable."""
    name = _base_name()
    if not shutil.which("buildah") or name not in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        raise not_prepared("the base image", "nodes")
    return name


def make_base() -> None:
    """Make the base image. Raises Unavailable."""
    with locked(GUARD), tempfile.TemporaryDirectory(dir=CACHE) as passing:
        tar = f"{passing}/base.tar"
        output([*_bootstrap(), tar], "mmdebstrap")
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, tar, "/")
        buildah("commit", "--quiet", "--rm", container, _base_name())


def buildah(*words: str) -> str:
    """Ask buildah about what is built here. Raises CalledProcessError."""
    return subprocess.run([*_engine(), *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _engine() -> list[str]:
    # A store of our own: nothing is mixed with images that somebody made by hand.
    return ["buildah", "--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run")]


def _build(key: str, folder: Path) -> None:
    if not folder.exists() and len(buildah("images", "--quiet", "--filter", "dangling=true").split()) > LAYERS:
        # Builds that were killed leave containers, whose images would stay. None is in use: the lock is ours.
        buildah("rm", "--all")
        buildah("rmi", "--prune")
        # Images of one state share layers: what would be built beside these archives from now on does not.
        for other in CACHE.glob("state-*"):
            shutil.rmtree(other)
    command: list[str | Path] = [sys.executable, ROOT / "images/build.py", key, "--engine", " ".join(_engine())]
    with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        command += ["--base-image", base(), "--registry", REGISTRY, "--tag", TAG, "--archives", unfinished]
        output([*command, "--", *OPTIONS], f"the build of the image {key}")
        folder.mkdir(exist_ok=True)
        (Path(unfinished) / f"{key}.tar").rename(folder / f"{key}.tar")


def _bootstrap() -> list[str]:
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    return ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(INSIDE)}", *options, SUITE]


def _base_name() -> str:
    return f"localhost/base:{_digest(' '.join(_bootstrap()).encode())}"


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
