"""The bills of materials name what the locks and an image's archive hold, in valid SPDX."""

import io
import json
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from repo.test_locks import packages
from repo.tree import ROOT

pytestmark = pytest.mark.store  # needs no server, but starts many processes

STATUS = "Package: {name}\nStatus: {status}\nVersion: {version}\n\n"


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def archive(folder: Path) -> Path:
    """Two layers; the second one upgrades a package and removes another."""
    lower = STATUS.format(name="libc6", status="install ok installed", version="2.36")
    lower += STATUS.format(name="gone", status="install ok installed", version="1")
    upper = STATUS.format(name="libc6", status="install ok installed", version="2.36-9+deb12u4")
    upper += STATUS.format(name="gone", status="deinstall ok config-files", version="1")
    layers = [tarred({"var/lib/dpkg/status": text.encode()}) for text in (lower, upper)]
    names = ["one.tar", "two.tar"]
    manifest = json.dumps([{"Layers": names}]).encode()
    path = folder / "image.tar"
    path.write_bytes(tarred({"manifest.json": manifest, **dict(zip(names, layers, strict=True))}))
    return path


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    command = [sys.executable, str(ROOT / "images/sbom.py"), "--out", str(folder / "out")]
    command += ["--archive", f"operator={archive(folder)}"]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1700000000"})
    return folder / "out"


def named(path: Path) -> set[str]:
    return {f"{package.name}=={package.version}" for package in parse_file(str(path)).packages}


def test_every_bill_is_valid_and_there_is_one_for_each_thing(bills: Path) -> None:
    names = {path.name for path in bills.iterdir()}
    images = {
        f"reelmill-{name}-image.spdx.json"
        for name in ("operator", "stages", *(f"stages-{target}" for target in ("gpu", "embed", "dashboard")))
    }
    assert names == images | {f"{name}.spdx.json" for name in ("reelmill", "reelmill-stages", "reelmill-chart")}
    for path in bills.iterdir():
        assert not validate_full_spdx_document(parse_file(str(path)))
        assert json.loads(path.read_text())["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


def test_an_image_has_the_pins_of_its_lock_and_the_packages_of_its_archive(bills: Path) -> None:
    found = named(bills / "reelmill-operator-image.spdx.json")
    assert set(packages(ROOT / "images/operator/requirements.lock")) <= found
    assert "libc6==2.36-9+deb12u4" in found
    assert not {"gone==1", "libc6==2.36"} & found


def test_an_image_with_more_packages_names_them_too(bills: Path) -> None:
    base = set(packages(ROOT / "images/stages/requirements.lock"))
    for target in ("embed", "dashboard"):
        found = named(bills / f"reelmill-stages-{target}-image.spdx.json")
        assert base | set(packages(ROOT / f"images/stages/requirements-{target}.lock")) <= found
    assert not set(packages(ROOT / "images/stages/requirements-dashboard.lock")) <= base


def test_the_chart_names_every_image_that_it_can_install(bills: Path) -> None:
    release = tomllib.loads((ROOT / "operator/pyproject.toml").read_text())["project"]["version"]
    wanted = {f"reelmill-operator=={release}"}
    wanted |= {f"reelmill-stages=={release}{suffix}" for suffix in ("", "-embed", "-dashboard")}
    assert wanted <= named(bills / "reelmill-chart.spdx.json")


def test_a_wheel_has_what_it_requires(bills: Path) -> None:
    names = {pin.partition("==")[0] for pin in named(bills / "reelmill.spdx.json")}
    assert {"pydantic", "pyyaml", "typer", "kopf"} <= names
    assert not {"pytest", "av"} & names
    assert "av" in {pin.partition("==")[0] for pin in named(bills / "reelmill-stages.spdx.json")}


def test_an_image_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "images/sbom.py"), "--out", str(tmp_path), "--archive", "operators=x.tar"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no image is named operators" in done.stderr
    assert not list(tmp_path.iterdir())
