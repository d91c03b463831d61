"""The workflow that publishes: few rights, no stored secrets, nothing that a name of a branch could inject."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.rendering import program
from repo.tree import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
JOBS: dict[str, Any] = RELEASE["jobs"]
workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def steps(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in jobs.values() for step in job["steps"]]


@workflows
def test_no_secret_is_stored_and_nothing_from_outside_is_put_into_a_command(path: Path) -> None:
    text = path.read_text()
    assert "secrets." not in text
    for step in steps(yaml.safe_load(text)["jobs"]):
        assert "${{" not in step.get("run", ""), "values come by the environment"


@workflows
def test_every_action_is_a_commit_whose_version_is_named(path: Path) -> None:
    used = re.findall(r"^ *-? *uses: (.*)$", path.read_text(), re.MULTILINE)
    assert used
    by_commit = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in used if not by_commit.fullmatch(each)] in ([], ["pypa/gh-action-pypi-publish@release/v1"])


def test_a_job_may_do_what_it_is_for_and_no_more() -> None:
    assert RELEASE["permissions"] == {}
    writes = {
        name: {right for right, how in job["permissions"].items() if how == "write"} for name, job in JOBS.items()
    }
    assert writes == {
        "build": set(),
        "images": {"packages", "id-token"},
        "packages": {"id-token"},
        "publish": {"contents", "packages", "id-token", "attestations"},
        "docs": {"contents"},
    }
    checkouts = [step for step in steps(JOBS) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_image_is_published_and_part_of_a_release_with_images() -> None:
    (listed,) = re.findall(r"^IMAGES \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "images/stages/Dockerfile").read_text(), re.MULTILINE)
    internal = {"dependencies", "builder", "runtime", "models", "web"}
    images = {"operator", *(f"stages-{target}" for target in targets if target not in internal)}
    assert set(listed.split()) == images == set(JOBS["images"]["strategy"]["matrix"]["image"])


def test_it_publishes_what_make_release_made_of_the_tag() -> None:
    (made,) = [step["run"] for step in JOBS["build"]["steps"] if "run" in step]
    assert made.startswith("make release ")
    assert "--tag $GITHUB_REF_NAME" in made
    assert not [
        step for name in ("packages", "publish") for step in JOBS[name]["steps"] if "make " in step.get("run", "")
    ]
    assert set(JOBS["publish"]["needs"]) == {"images", "packages"}


def test_a_second_run_finds_what_the_first_published(tmp_path: Path) -> None:
    (publishing,) = [step for step in JOBS["packages"]["steps"] if "pypi-publish" in step.get("uses", "")]
    assert publishing["with"]["skip-existing"] is True
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/publish-release", tmp_path / ".ci")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/reelmill-9.9.9.tgz").write_text("chart")
    subprocess.run("sha256sum * > SHA256SUMS", shell=True, cwd=tmp_path / "dist", check=True)
    there, digest = tmp_path / "release-is-there", f"sha256:{'0a' * 32}"
    gh = f'#!/bin/sh\necho "$2" >> {tmp_path}/asked\ncase $2 in view) test -e {there};; create) touch {there};; esac\n'
    for name, text in {
        "gh": gh,
        "helm": f"#!/bin/sh\n[ $1 = push ] && echo Pushed: $3 >&2 && echo Digest: {digest} >&2; true\n",
        "cosign": f'#!/bin/sh\n[ $1 = sign ] && echo "$3" >> {tmp_path}/signed; touch SHA256SUMS.sigstore.json\n',
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "REGISTRY": "ghcr.io/Me", "GITHUB_REF_NAME": "v9.9.9",
        "GITHUB_ACTOR": "me", "GH_TOKEN": "token",
    }  # fmt: skip
    for _ in range(2):
        subprocess.run([tmp_path / ".ci/publish-release"], env=environment, check=True)
    assert (tmp_path / "asked").read_text().split() == ["view", "create", "upload", "view", "upload"]
    assert (tmp_path / "signed").read_text().split() == [f"ghcr.io/me/charts/reelmill@{digest}"] * 2


@pytest.mark.parametrize("name", ["publish-images", "publish-release"])
def test_its_scripts_stop_at_the_first_error(name: str) -> None:
    script = ROOT / ".ci" / name
    assert "set -euo pipefail" in script.read_text()
    assert script.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize(
    ("images", "push", "code", "signed"),
    [
        ("ghcr.io/me/reelmill-a:1\nghcr.io/me/reelmill-b:1", 0, 0, 2),
        ("", 0, 1, 0),
        ("ghcr.io/me/reelmill-a:1", 3, 3, 0),
    ],
    ids=["two images", "no image", "an image that cannot be pushed"],
)
def test_images_are_published_all_or_the_job_fails(
    tmp_path: Path, images: str, push: int, code: int, signed: int
) -> None:
    docker = f"#!/bin/sh\ncase $1 in images) printf '{images}';; push) exit {push};; *) echo digest;; esac\n"
    for name, text in {"docker": docker, "cosign": "#!/bin/sh\necho signed\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REGISTRY": "ghcr.io/Me"}
    done = subprocess.run([ROOT / ".ci/publish-images"], env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stdout.count("signed") == signed


@workflows
@pytest.mark.control_plane
def test_actionlint_finds_nothing(path: Path) -> None:
    done = subprocess.run([program("actionlint"), "-color=false", path], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.control_plane
def test_020_f03_krew_installs_the_plugin_by_its_manifest(tmp_path: Path) -> None:
    from release import package_cache
    from release.making import made
    from release.test_release import THIS_PYTHON, VERSION

    out = made(tmp_path / "dist", "--parts", "plugin", "--plugin-targets", THIS_PYTHON, **package_cache.environment())
    environment = {**os.environ, "KREW_ROOT": str(tmp_path / "krew")}
    archive = out / f"kubectl-reelmill-{VERSION}-linux-amd64.tar.gz"
    command = [program("krew"), "install", f"--manifest={out / 'krew.yaml'}", f"--archive={archive}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    path = f"{tmp_path / 'krew/bin'}{os.pathsep}{os.environ['PATH']}"
    said = subprocess.run(
        [program("kubectl"), "reelmill", "--version"], env={**environment, "PATH": path}, capture_output=True, text=True
    )
    assert said.stdout == f"reelmill {VERSION}\n"
