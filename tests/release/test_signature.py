"""`make release ARGS="--sign KEY"`, judged by cosign itself."""

import subprocess
from pathlib import Path

import pytest

from charts.rendering import program
from release.making import made

pytestmark = pytest.mark.control_plane
PASSWORD = {"COSIGN_PASSWORD": "secret"}


def cosign(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(program("cosign")), *words]
    return subprocess.run(command, cwd=folder, env=PASSWORD, capture_output=True, text=True)


def test_checksums_are_signed_without_a_network_and_a_changed_byte_is_found(tmp_path: Path) -> None:
    assert cosign(tmp_path, "generate-key-pair").returncode == 0
    path = f"{program('cosign').parent}:/usr/bin:/bin"
    dist = made(tmp_path / "dist", "--parts", "crd", "--sign", str(tmp_path / "cosign.key"), PATH=path, **PASSWORD)
    bundle = "SHA256SUMS.sigstore.json"
    assert (dist / bundle).stat().st_mode == (dist / "SHA256SUMS").stat().st_mode
    verify = ["verify-blob", "--bundle", bundle, "--key", "../cosign.pub", "--insecure-ignore-tlog", "SHA256SUMS"]
    assert cosign(dist, *verify).returncode == 0
    sums = (dist / "SHA256SUMS").read_text()
    (dist / "SHA256SUMS").write_text(sums.replace("crd.yaml", "crd.yml"))
    assert "invalid signature" in cosign(dist, *verify).stderr
