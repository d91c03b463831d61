"""SHA256SUMS of a release, in the format of `sha256sum`, and its signature."""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from source import ReleaseProblem

NAME = "SHA256SUMS"
BUNDLE = f"{NAME}.sigstore.json"
NO_SERVICES = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}
"""Sigstore's signing configuration without a transparency log or time stamps, for offline signatures.

https://github.com/sigstore/protobuf-specs, `sigstore_trustroot.proto`, SigningConfig.
"""
_OURS = re.compile(
    r"SHA256SUMS|SHA256SUMS\.sigstore\.json|crd\.yaml|install\.yaml|krew\.yaml|release-notes\.md"
    r"|(?:kubectl-)?reelmill[_-][\w.+-]+\.(?:whl|tar\.gz|tgz|oci\.tar|spdx\.json)|reelmill\.spdx\.json"
)
"""Patterns of the file names of a release, of any version."""


def write(folder: Path) -> None:
    """Write the digests of all files of a folder."""
    paths = sorted(path for path in folder.iterdir() if path.name not in (NAME, BUNDLE))
    (folder / NAME).write_text("".join(f"{_digest(path)}  {path.name}\n" for path in paths))


def sign(folder: Path, key: str) -> None:
    """Sign the digests with a key of cosign: a file, an environment variable (`env://NAME`) or a KMS address.

    Nothing is sent to a public log; only a KMS needs a network. cosign prompts for the key's password, or reads it from
    COSIGN_PASSWORD. Tested with cosign 3.1. Raises ReleaseProblem if cosign is not installed or fails.
    """
    cosign = shutil.which("cosign")
    if cosign is None:
        raise ReleaseProblem("signing needs cosign on PATH: install it, or leave --sign out")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as services:
        json.dump(NO_SERVICES, services)
        services.flush()
        command = [cosign, "sign-blob", "--yes", "--key", key, "--signing-config", services.name]
        done = subprocess.run([*command, "--bundle", folder / BUNDLE, folder / NAME], capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"cosign cannot sign: {done.stderr.strip()}")
    (folder / BUNDLE).chmod((folder / NAME).stat().st_mode)


def must_be_replaceable(out: Path) -> None:
    """Raises ReleaseProblem if a folder contains files that no release wrote, which would be deleted."""
    if out.exists() and not (out / NAME).exists() and (not out.is_dir() or any(out.iterdir())):
        raise ReleaseProblem(
            f"{out} has no {NAME}, so it is no earlier release: move it away, or name another with --out"
        )
    if out.is_dir() and (foreign := sorted(path.name for path in out.iterdir() if not _OURS.fullmatch(path.name))):
        raise ReleaseProblem(
            f"{out} holds {foreign[0]}, which is no file of a release: it would be lost, and its checksum."
            " Move it away, or name another folder with --out"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
