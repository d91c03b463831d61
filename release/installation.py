"""Installation files for a cluster: the packaged chart, the CRD, and a single file for `kubectl apply`."""

import re
import shutil
import subprocess
from pathlib import Path

import archive_writer
import yaml
from source import ROOT, ReleaseProblem, tracked, version

CHART = "charts/reelmill"
OVERLAY = "manifests/overlays/cluster-wide"
_REFERENCES = {
    "reelmill/values.yaml": r"^(\s*repository: )(reelmill-)",
    "reelmill/Chart.yaml": r'(image: ")(reelmill-)',
}
"""File of the chart -> the places in it that name images."""
DEFINITION = "manifests/crd/videopipelines.yaml"


def write_chart(path: Path, registry: str, time: int) -> None:
    """Package the chart for `helm install`, without its tests; `registry` is the default registry of images."""
    packed = [file for file in tracked(CHART) if ROOT / CHART / "tests" not in file.parents]
    files = {str(file.relative_to(ROOT / "charts")): file.read_bytes() for file in packed}
    if registry:
        for name, place in _REFERENCES.items():
            files[name] = re.sub(place, rf"\1{registry}/\2", files[name].decode(), flags=re.MULTILINE).encode()
    archive_writer.write(path, files, time)


def write_definition(path: Path) -> None:
    """Write the CustomResourceDefinition."""
    shutil.copyfile(ROOT / DEFINITION, path)


def write_single_file(path: Path, registry: str) -> None:
    """Write the cluster-wide overlay as one file. Raises ReleaseProblem."""
    program = shutil.which("kubectl")
    if program is None:
        raise ReleaseProblem("install.yaml is rendered by `kubectl kustomize`: put kubectl on PATH")
    done = subprocess.run([program, "kustomize", OVERLAY], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseProblem(f"kubectl kustomize {OVERLAY} failed: {done.stderr.strip()}")
    text = done.stdout
    if registry:
        text = re.sub(rf"(?<![\w./-])(reelmill-\w+:{re.escape(version())})", rf"{registry}/\1", text)
    path.write_text(f"# reelmill {version()}: kubectl apply --server-side -f install.yaml\n{_ordered(text)}")


def _ordered(text: str) -> str:
    """Sort the CRD and the namespace first, so that one `kubectl apply` is enough."""
    first = ("CustomResourceDefinition", "Namespace")
    documents = text.split("\n---\n")
    documents.sort(key=lambda document: yaml.safe_load(document)["kind"] not in first)
    return "\n---\n".join(document.strip("\n") for document in documents) + "\n"
