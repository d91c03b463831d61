"""Catalogue of all tools for tests, each after its dependencies, and the tools of each tier."""

from collections.abc import Mapping
from functools import partial

from charts.schemas_home import SCHEMAS
from cluster import build, images, kubectl, packages
from docs_site import packages as site
from fuzz.atheris_home import ATHERIS
from images import built
from measure.models_home import MODELS
from release import package_cache
from servers import azurite, gcs, install
from tools.tool import Lane, Tool
from torch_home import TORCH
from trainers import environments
from transcribe.speech_home import SPEECH
from web import browser

GO, BASE, BUILDERS, PACKAGES = "Go", "base image", "packages for images", "packages for nodes"
STORE = (
    "SeaweedFS",
    "MinIO",
    "Azurite",
    "fake-gcs-server",
    "torch",
    "atheris",
    "MkDocs",
    "models to measure with",
    "speech",
    package_cache.NAME,
)
COMMANDS = ("kubectl", "helm")
CONTROL_PLANE = ("kwok", *build.CONTROL_PLANE, *build.CHECKS, "Kubernetes schemas", package_cache.NAME)
IMAGES = ("operator image", "stages-cpu image", "stages-gpu image", "stages-dashboard image")
NODES = (
    *(PACKAGES, BUILDERS, "SeaweedFS", "MinIO", "pause image", "shell image"),
    *(*build.NODES, *build.CONTROL_PLANE, *IMAGES),
)
TRAINERS = tuple(f"trainer {name}" for name in environments.names())


def catalogue() -> dict[str, Tool]:
    """The tools by name."""
    download, compiles = partial(Tool, lane=Lane.DOWNLOAD), partial(Tool, lane=Lane.COMPILE)
    tools = [
        download(GO, find=install.go, make=install.make_go),
        download("SeaweedFS", find=install.seaweedfs, make=install.seaweedfs),
        download("Azurite", find=azurite.find, make=azurite.make),
        download(
            PACKAGES,
            find=partial(packages.find, packages.NODES),
            make=partial(packages.install, packages.NODES),
        ),
        download(
            BUILDERS,
            find=partial(packages.find, packages.IMAGES),
            make=partial(packages.install, packages.IMAGES),
            needs=(PACKAGES,),
        ),
        download(BASE, find=built.base, make=built.make_base, needs=(BUILDERS,)),
        compiles("helm", find=_program("helm"), make=partial(build.make, "helm"), needs=(GO,)),
        compiles("kubectl", find=kubectl.find, make=partial(build.make, "kubectl"), needs=(GO,)),
        compiles("MinIO", find=install.minio, make=install.make_minio, needs=(GO,)),
        compiles("fake-gcs-server", find=gcs.find, make=gcs.make, needs=(GO,)),
        *(_compiled(compiles, name) for name in ("kwok", *build.CONTROL_PLANE, *build.CHECKS)),
        download("Kubernetes schemas", find=SCHEMAS.find, make=SCHEMAS.make),
        *(_compiled(compiles, name, PACKAGES) for name in build.NODES if name != "helm"),
        compiles("pause image", find=images.pause, make=images.make_pause, needs=(GO, PACKAGES)),
        compiles("shell image", find=images.shell, make=images.make_shell, needs=(PACKAGES,)),
        *(_image(download, key) for key in ("operator", "stages-cpu", "stages-gpu", "stages-dashboard")),
        download(package_cache.NAME, find=package_cache.find, make=package_cache.make),
        download("torch", find=TORCH.find, make=TORCH.make),
        download("speech", find=SPEECH.find, make=SPEECH.make),
        download("atheris", find=ATHERIS.find, make=ATHERIS.make),
        download("MkDocs", find=site.find, make=site.make),
        download("Chromium", find=browser.find_chromium, make=browser.make_chromium),
        download("playwright", find=browser.PLAYWRIGHT.find, make=browser.PLAYWRIGHT.make),
        download("models to measure with", find=MODELS.find, make=MODELS.make),
        *(_trainer(download, name) for name in environments.names()),
        _image(download, "stages-embed"),
    ]
    return {tool.name: tool for tool in tools}


def needed(tier: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the tools of a tier, or of `trainers`, `models` or `docs`. Raises KeyError.

    A cluster that REELMILL_KUBECONFIG names replaces the one that the suite builds.
    """
    groups = {
        "unit": (),
        "gpu": (),
        "store": STORE,
        "web": ("Chromium", "playwright"),
        "control-plane": (*COMMANDS, *CONTROL_PLANE),
        "nodes": (*COMMANDS, *NODES),
        "models": (*COMMANDS, *NODES, "torch", "stages-embed image"),
        "docs": ("MkDocs",),
        "trainers": TRAINERS,
    }
    found = groups[tier]
    return COMMANDS if environ.get("REELMILL_KUBECONFIG") and COMMANDS[0] in found else found


def _program(name: str) -> partial[object]:
    return partial(build.find, (name,))


def _compiled(kind: partial[Tool], name: str, *needs: str) -> Tool:
    return kind(name, find=_program(name), make=partial(build.make, name), needs=(GO, *needs))


def _image(kind: partial[Tool], key: str) -> Tool:
    return kind(f"{key} image", find=partial(built.archive, key), make=partial(built.make, key), needs=(BASE,))


def _trainer(kind: partial[Tool], name: str) -> Tool:
    find, make = partial(environments.interpreter, name), partial(environments.make, name)
    needs = ("torch",) if name in environments.WITH_TORCH else ()
    return kind(f"trainer {name}", find=find, make=make, needs=needs)
