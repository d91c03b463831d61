"""Which module may import which package: every edge to the outside world has one place.

import-linter guards the directions between our own packages; these are about other people's, by name pattern.
"""

import sys
from fnmatch import fnmatch
from functools import cache

import pytest

from repo.tree import imports, modules

EDGES = {
    "minio": ("reelmill_stages.store.s3.*",),
    "urllib3": (
        "reelmill_stages.store.s3.*",
        "reelmill_stages.store.web.*",
        "reelmill_stages.store.hub.store",
        "reelmill_stages.store.google.errors",
    ),
    "azure": ("reelmill_stages.store.azure.*",),
    "google": ("reelmill_stages.store.google.*",),
    "requests": ("reelmill_stages.store.google.errors",),
    "ffmpeg": ("reelmill_stages.media.ffmpeg",),
    "imageio_ffmpeg": ("reelmill_stages.media.ffmpeg",),
    "pynvml": ("reelmill_stages.media.gpu", "reelmill_stages.media.gpu_time"),
    "av": (
        "reelmill_stages.media*",
        "reelmill_stages.measuring.*",
        "reelmill_stages.stages.*",
    ),
    "yaml": (
        "reelmill.cli*",
        "reelmill.schema*",
        "reelmill_stages.commands*",
        "reelmill_stages.dataset_card.front_matter",
        "reelmill_stages.run_report.document",
        "reelmill_stages.dashboard.discovery.store_pipelines",
        "reelmill_stages.dashboard.views.pipeline_catalog",
        "reelmill_stages.stages.pack.*",
        "reelmill_stages.untrusted.*",
    ),
    "typer": ("reelmill.cli*", "reelmill_stages.commands*"),
    "rich": ("reelmill.cli*", "reelmill_stages.commands*"),
    "matplotlib": ("reelmill_stages.run_report.plots.*",),
    "fastapi": ("reelmill_stages.dashboard.serve", "reelmill_stages.dashboard.web.*"),
    "starlette": ("reelmill_stages.dashboard.web.*",),
    "uvicorn": ("reelmill_stages.dashboard.serve",),
    "jinja2": ("reelmill_stages.run_report.page", "reelmill_stages.dashboard.web.*"),
    "kopf": ("reelmill.controller.watch.watches",),
    "kubernetes": ("reelmill.controller.kube.connection",),
    "aiohttp": ("reelmill.controller.kube.connection", "reelmill.controller.monitoring.probes"),
    "prometheus_client": ("reelmill.controller.monitoring.*",),
    "openlineage": ("reelmill.openlineage.emitter", "reelmill.openlineage.events"),
    "torch": (
        "reelmill_stages.datasets*",
        "reelmill_stages.models.transnetv2",
        "reelmill_stages.stages.embed*",
        "reelmill_stages.stages.grid*",
    ),
    "cv2": (
        "reelmill_stages.media.decoding.scene_pictures",
        "reelmill_stages.media.decoding.scene_scores",
        "reelmill_stages.measuring.*",
    ),
    "onnxruntime": ("reelmill_stages.models.voice", "reelmill_stages.measuring.scores.session"),
    "skvideo": (),
    "boto3": (),
    "tqdm": (),
}
NAMES = list(modules())


@cache
def imported() -> dict[str, frozenset[str]]:
    """Module -> what it imports."""
    return {name: imports(path) for name, path in NAMES}


@pytest.mark.parametrize("package", EDGES)
def test_a_package_is_imported_only_where_its_edge_is(package: str) -> None:
    wrong = [
        name
        for name, found in imported().items()
        if any(module.split(".")[0] == package for module in found)
        and not any(fnmatch(name, pattern) for pattern in EDGES[package])
    ]
    assert not wrong, f"{package} is imported by {', '.join(wrong)}"


def test_the_planner_has_no_clock_no_chance_and_no_files() -> None:
    forbidden = {"time", "random", "os", "pathlib", "io", "secrets", "uuid", "tempfile", "asyncio"}
    wrong = {
        name: found & forbidden
        for name, found in imported().items()
        if name.startswith("reelmill.plan") and found & forbidden
    }
    assert not wrong
    assert not [name for name, path in NAMES if name.startswith("reelmill.plan") and ".now(" in path.read_text()]


def test_the_contract_imports_the_standard_library_pydantic_and_for_rows_msgspec_only() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core", "reelmill"}
    for name, found in imported().items():
        if name.startswith("reelmill.contract"):
            rows = {"msgspec"} if name == "reelmill.contract.records.rows" else set()
            assert {module.split(".")[0] for module in found} <= allowed | rows, name


def test_a_stage_reads_no_environment() -> None:
    for name, path in NAMES:
        if name.startswith("reelmill_stages.stages."):
            assert "environ" not in path.read_text(), name


def test_files_of_unknown_origin_are_opened_by_the_guarded_readers_only() -> None:
    """Arrays, pickles and images: numpy and Pillow believe what a header says."""
    doors = ("np.load(", "numpy.load(", "pickle.load(", "pickle.loads(", "Image.open(")
    wrong = {
        name: found
        for name, path in NAMES
        if not name.startswith("reelmill_stages.untrusted")
        and (found := [door for door in doors if door in path.read_text()])
    }
    assert not wrong
