"""helm takes the chart's package of a release as it takes the folder."""

import tarfile
from pathlib import Path

import pytest

import release_version
from charts.rendering import CHART, helm
from cluster import build
from release.making import made

pytestmark = pytest.mark.control_plane


def test_the_package_renders_what_the_folder_renders(tmp_path: Path) -> None:
    package = made(tmp_path / "dist", "--parts", "chart") / f"reelmill-{release_version.version()}.tgz"
    options = ["--kube-version", build.KUBERNETES, "--set", "dashboard.enabled=true,dashboard.store.uri=s3://out/demo"]
    ours, theirs = (helm("template", "reelmill", str(chart), *options) for chart in (package, CHART))
    assert ours == theirs
    assert "kind: Deployment" in ours
    helm("lint", "--strict", str(package))


def test_the_package_holds_the_files_of_helms_own_package(tmp_path: Path) -> None:
    ours = made(tmp_path / "dist", "--parts", "chart") / f"reelmill-{release_version.version()}.tgz"
    helm("package", str(CHART), "--destination", str(tmp_path))
    (theirs,) = tmp_path.glob("*.tgz")
    with tarfile.open(ours) as one, tarfile.open(theirs) as other:
        assert set(one.getnames()) | {"reelmill/.helmignore"} == set(other.getnames()) | {"reelmill/.helmignore"}


def test_images_of_a_registry_are_rendered(tmp_path: Path) -> None:
    words = ["--parts", "chart", "--registry", "registry.example/video"]
    package = made(tmp_path / "dist", *words) / f"reelmill-{release_version.version()}.tgz"
    text = helm("template", "reelmill", str(package), "--kube-version", build.KUBERNETES)
    assert f"registry.example/video/reelmill-operator:{release_version.version()}" in text
    assert f"registry.example/video/reelmill-stages:{release_version.version()}" in text
