"""`make release`: what is in dist/, that it is the same each time, and what it refuses."""

import ast
import email
import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import release_version
from release import package_cache
from release.making import LIGHT, made, release
from repo.tree import ROOT, files

sys.path.append(str(ROOT / "release"))
from checksums import must_be_replaceable

VERSION = release_version.version()
WHEELS = {
    "operator": f"reelmill-{VERSION}-py3-none-any.whl",
    "stages": f"reelmill_stages-{VERSION}-py3-none-any.whl",
}
THIS_PYTHON = f"linux-amd64/{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.store


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("release") / "dist", "--parts", LIGHT)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ["--parts", "plugin", "--plugin-targets", THIS_PYTHON, "--url", "https://files.example/v1/"]
    return made(tmp_path_factory.mktemp("plugin") / "dist", *words, **package_cache.environment())


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return {member.name: member for member in tar}


def test_every_file_is_there_and_named_in_the_checksums(dist: Path) -> None:
    names = {path.name for path in dist.iterdir()}
    assert {name for name in names if not name.endswith(".spdx.json")} == {
        *WHEELS.values(),
        f"reelmill-{VERSION}.tar.gz",
        f"reelmill_stages-{VERSION}.tar.gz",
        f"reelmill-{VERSION}.tgz",
        "crd.yaml",
        "release-notes.md",
        "SHA256SUMS",
    }
    assert {"reelmill.spdx.json", "reelmill-stages.spdx.json", "reelmill-chart.spdx.json"} <= names
    listed = dict(reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert listed == {name: digest for name, digest in digests(dist).items() if name != "SHA256SUMS"}


def test_020_f01_two_releases_of_a_commit_are_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    elsewhere = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path), "PYTHONHASHSEED": "7"}
    again = made(tmp_path / "a folder with another name", "--parts", LIGHT, **elsewhere)
    assert digests(again) == digests(dist)


def test_a_given_time_is_that_of_every_file(tmp_path: Path) -> None:
    out = made(tmp_path / "dist", "--parts", "packages,chart,sbom", SOURCE_DATE_EPOCH="1700000000")
    for name in (f"reelmill-{VERSION}.tar.gz", f"reelmill-{VERSION}.tgz"):
        assert {member.mtime for member in members(out / name).values()} == {1700000000}, name
    bill = json.loads((out / "reelmill.spdx.json").read_text())
    assert bill["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("folder", WHEELS)
def test_a_wheel_holds_the_sources_and_the_licence(dist: Path, folder: str) -> None:
    with zipfile.ZipFile(dist / WHEELS[folder]) as wheel:
        names = set(wheel.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(wheel.read(metadata))
        licence = metadata.replace("METADATA", "licenses/LICENSE")
        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    source = ROOT / folder / "src"
    sources = {path.relative_to(source).as_posix() for path in files() if source in path.parents}
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert told["Version"] == VERSION
    assert told["License-Expression"] == "Apache-2.0"


def test_a_source_distribution_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"reelmill-{VERSION}.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    (sources,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)

    def contents(wheel: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(wheel) as file:
            return {name: file.read(name) for name in file.namelist()}

    assert contents(tmp_path / WHEELS["operator"]) == contents(dist / WHEELS["operator"])


def test_the_chart_holds_the_files_of_its_folder_but_its_tests(dist: Path) -> None:
    chart = ROOT / "charts/reelmill"
    tracked = [path for path in files() if chart in path.parents and chart / "tests" not in path.parents]
    assert members(dist / f"reelmill-{VERSION}.tgz").keys() == {
        path.relative_to(chart.parent).as_posix() for path in tracked
    }
    with tarfile.open(dist / f"reelmill-{VERSION}.tgz") as tar:
        file = tar.extractfile("reelmill/Chart.yaml")
        assert file
        assert file.read() == (chart / "Chart.yaml").read_bytes()


def test_a_registry_stands_before_every_image_of_the_chart(tmp_path: Path) -> None:
    out = made(tmp_path / "dist", "--parts", "chart", "--registry", "registry.example/video")
    with tarfile.open(out / f"reelmill-{VERSION}.tgz") as tar:
        texts = {name: tar.extractfile(f"reelmill/{name}").read() for name in ("values.yaml", "Chart.yaml")}  # type: ignore[union-attr]
    values, chart = yaml.safe_load(texts["values.yaml"]), yaml.safe_load(texts["Chart.yaml"])
    stages = values["stages"]
    used = [values["image"], stages["image"], stages["embedImage"], values["dashboard"]["image"]]
    images = [one["image"] for one in yaml.safe_load(chart["annotations"]["artifacthub.io/images"])]
    assert {name.rpartition("/")[0] for name in (*images, *(one["repository"] for one in used))} == {
        "registry.example/video"
    }


def test_the_notes_are_the_section_of_the_version(dist: Path) -> None:
    notes = (dist / "release-notes.md").read_text()
    assert notes.startswith(f"## [{VERSION}]")
    assert notes.count("\n## ") == 0
    assert notes.strip() in (ROOT / "CHANGELOG.md").read_text()


def test_the_plugin_runs_from_its_archive(plugin: Path, tmp_path: Path) -> None:
    with tarfile.open(plugin / f"kubectl-reelmill-{VERSION}-linux-amd64.tar.gz") as tar:
        tar.extractall(tmp_path / "store", filter="data")
    link = tmp_path / "kubectl-reelmill"  # as krew installs it
    link.symlink_to(tmp_path / "store/kubectl-reelmill")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([link, *words], capture_output=True, text=True, env=environment, cwd=tmp_path)

    assert said("--version").stdout == f"reelmill {VERSION}\n"
    valid = said("validate", str(ROOT / "manifests/samples/webdataset.yaml"))
    assert valid.returncode == 0, valid.stderr
    assert "kubeconfig does not exist" in said("status", "demo", "--kubeconfig", "nowhere").stderr


def test_the_plugins_manifest_names_the_archive_by_its_digest(plugin: Path) -> None:
    manifest = yaml.safe_load((plugin / "krew.yaml").read_text())
    (platform,) = manifest["spec"]["platforms"]
    name = f"kubectl-reelmill-{VERSION}-linux-amd64.tar.gz"
    assert manifest["spec"]["version"] == f"v{VERSION}"
    assert platform["uri"] == f"https://files.example/v1/{name}"
    assert platform["sha256"] == digests(plugin)[name]
    assert platform["selector"] == {"matchLabels": {"os": "linux", "arch": "amd64"}}
    assert len(manifest["spec"]["shortDescription"]) <= 50  # krew's limit for its index


def test_the_plugin_names_no_folder_of_this_machine(plugin: Path) -> None:
    with tarfile.open(plugin / f"kubectl-reelmill-{VERSION}-linux-amd64.tar.gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file
            assert str(ROOT).encode() not in file.read(), member.name


def test_the_plugins_script_is_understood_by_old_pythons_which_it_refuses() -> None:
    text = (ROOT / "release/kubectl-reelmill").read_text()
    ast.parse(text, feature_version=(3, 7))
    assert "reelmill needs Python" in text


def test_archives_of_images_are_part_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/stages-gpu.tar").write_bytes(b"an archive")
    out = made(tmp_path / "dist", "--parts", "crd", "--images", str(tmp_path / "images"))
    assert (out / f"reelmill-stages-{VERSION}-gpu.oci.tar").read_bytes() == b"an archive"
    assert f"reelmill-stages-{VERSION}-gpu.oci.tar" in (out / "SHA256SUMS").read_text()


def test_a_folder_that_is_no_release_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text("mine")
    done = release(tmp_path, "--parts", "crd")
    assert done.returncode == 1
    assert "no SHA256SUMS" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["work.txt"]


def test_a_foreign_file_beside_a_release_is_not_lost_with_its_checksum(tmp_path: Path) -> None:
    out = made(tmp_path / "dist", "--parts", "crd")
    (out / "signed-by-hand.txt").write_text("mine")
    with (out / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  signed-by-hand.txt\n")
    before = digests(out)
    done = release(out, "--parts", "crd")
    assert (done.returncode, "signed-by-hand.txt" in done.stderr) == (1, True)
    assert digests(out) == before


def test_what_a_release_writes_is_recognised_as_its_own(dist: Path, plugin: Path, tmp_path: Path) -> None:
    for folder in (dist, plugin):
        must_be_replaceable(folder)
    for name in (f"reelmill-stages-{VERSION}-gpu.oci.tar", "install.yaml", "SHA256SUMS.sigstore.json", "SHA256SUMS"):
        (tmp_path / name).touch()
    must_be_replaceable(tmp_path)


def test_an_earlier_release_is_replaced_whole(tmp_path: Path) -> None:
    out = made(tmp_path / "dist", "--parts", "crd,notes")
    made(out, "--parts", "crd")
    assert {path.name for path in out.iterdir()} == {"crd.yaml", "SHA256SUMS"}
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = release(tmp_path / "file/dist", "--parts", "notes")
    assert done.returncode == 1
    assert done.stderr.startswith("release: ")
    assert "Traceback" not in done.stderr


def test_what_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    for words, told in (
        (["--tag", "v99.0.0"], f"is not v{VERSION}"),
        (["--parts", "crd", "--images", str(tmp_path)], "holds no archive of an image"),
        (["--parts", "plugin", "--plugin-targets", "plan9-mips/3.12"], "no plugin is made for plan9-mips"),
        (["--parts", "crd", "--sign", "key", "--url", "x"], "cosign"),
    ):
        done = release(tmp_path / "dist", *words, PATH=str(Path(sys.executable).parent) + ":/usr/bin:/bin")
        assert done.returncode == 1, words
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.iterdir())
