"""Write bills of materials of the wheels, the images and the chart, as SPDX 2.3 in JSON (`make sbom`).

- A wheel: the packages that it requires, in the versions that were tested.
- An image: the Python packages of its locks and, if its archive is given, the packages of its operating system.
- The chart: the images that it installs.

The same commit gives the same files.
"""

import argparse
import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from archive import layers
from build import IMAGES, ROOT, revision, version
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.write_anything import write_file

_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)[^\n]*\\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)
DPKG = ("var/lib/dpkg/status", "var/lib/dpkg/status.d/")


@dataclass(frozen=True, order=True)
class Part:
    """One package in an artifact."""

    kind: str
    """Type of its package URL: `pypi`, `deb`, `oci`."""
    name: str
    version: str


def pins(lock: Path) -> list[Part]:
    """The packages of a lock file."""
    return [Part("pypi", name, version) for name, version, _ in _PIN.findall(lock.read_text())]


def required(folder: str) -> list[Part]:
    """The packages that a distribution requires, with all extras, in the versions of the locks."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    names = {
        canonicalize_name(Requirement(text).name) for texts in (project["dependencies"], *extras) for text in texts
    }
    locks = (ROOT / "requirements.lock", ROOT / "requirements-torch.lock")
    return sorted({part for lock in locks for part in pins(lock) if canonicalize_name(part.name) in names})


def installed(archive: Path) -> list[Part]:
    """The packages of the operating system (dpkg) in an image's archive, as its last layer lists them."""
    found: dict[str, list[Part]] = {}
    for layer in layers(archive):
        with tarfile.open(fileobj=layer) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name.startswith(DPKG) and member.isfile() and not name.endswith((".md5sums", ".list")):
                    file = tar.extractfile(member)
                    found[name] = list(_dpkg(file.read().decode())) if file else []
    return sorted({part for parts in found.values() for part in parts})


def _dpkg(text: str) -> Iterator[Part]:
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.*)$", paragraph, re.MULTILINE))
        if "Version" in fields and fields.get("Status", "install ok installed").endswith(" installed"):
            yield Part("deb", fields["Package"], fields["Version"])


def document(name: str, purpose: PackagePurpose, parts: list[Part], created: datetime) -> Document:
    """The bill of one artifact of this release. Raises ValueError if it is invalid in SPDX."""
    release = version()
    root = Package(
        spdx_id="SPDXRef-root",
        name=name,
        version=release,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=purpose,
        comment=f"revision {revision()}",
    )
    info = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id="SPDXRef-DOCUMENT",
        name=f"{name}-{release}",
        document_namespace=f"https://reelmill.dev/spdx/{name}-{release}-{revision()}",
        creators=[Actor(ActorType.TOOL, f"reelmill-{release}")],
        created=created,
    )
    packages = [_package(number, part) for number, part in enumerate(parts)]
    relationships = [Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, root.spdx_id)]
    how = RelationshipType.CONTAINS if purpose is PackagePurpose.CONTAINER else RelationshipType.DEPENDS_ON
    relationships += [Relationship(root.spdx_id, how, package.spdx_id) for package in packages]
    made = Document(info, packages=[root, *packages], relationships=relationships)
    if problems := validate_full_spdx_document(made):
        raise ValueError("; ".join(problem.validation_message for problem in problems))
    return made


def _package(number: int, part: Part) -> Package:
    kind = {"deb": "deb/debian"}.get(part.kind, part.kind)
    locator = f"pkg:{kind}/{part.name}@{part.version}".replace("+", "%2B")
    reference = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", locator)
    return Package(
        spdx_id=f"SPDXRef-{number}",
        name=part.name,
        version=part.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        external_references=[reference],
    )


def documents(archives: dict[str, Path], created: datetime) -> dict[str, Document]:
    """File name -> bill."""
    made = {
        f"{name}.spdx.json": document(name, PackagePurpose.LIBRARY, required(folder), created)
        for name, folder in (("reelmill", "operator"), ("reelmill-stages", "stages"))
    }
    for key, image in IMAGES.items():
        packages = {part for lock in image.locks for part in pins(ROOT / "images" / image.folder / lock)}
        parts = sorted(packages) + (installed(archives[key]) if key in archives else [])
        name = f"{image.repository}{image.suffix}-image"
        made[f"{name}.spdx.json"] = document(name, PackagePurpose.CONTAINER, parts, created)
    values = yaml.safe_load((ROOT / "charts/reelmill/values.yaml").read_text())
    stages = values["stages"]
    used = [(values["image"], ""), (stages["image"], ""), (stages["embedImage"], "-embed")]
    used.append((values["dashboard"]["image"], "-dashboard"))
    parts = [Part("oci", image["repository"], f"{version()}{suffix}") for image, suffix in used]
    made["reelmill-chart.spdx.json"] = document("reelmill-chart", PackagePurpose.INSTALL, parts, created)
    return made


def _created() -> datetime:
    """SOURCE_DATE_EPOCH, or the time of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        command = ["git", "log", "-1", "--format=%ct"]
        given = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip() or "0"
    return datetime.fromtimestamp(int(given), UTC).replace(tzinfo=None)


def main() -> None:
    """Write the bills into a folder."""
    parser = argparse.ArgumentParser(
        prog="images/sbom.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build/sbom", metavar="FOLDER", help="folder to write (default: build/sbom)"
    )
    parser.add_argument(
        "--archive",
        action="append",
        default=[],
        metavar="IMAGE=FILE",
        help=f"archive of an image; repeatable (images: {', '.join(IMAGES)})",
    )
    given = parser.parse_args()
    archives = {name: Path(file) for name, _, file in (text.partition("=") for text in given.archive)}
    if unknown := archives.keys() - IMAGES.keys():
        parser.error(f"no image is named {', '.join(sorted(unknown))}: use {', '.join(IMAGES)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name, made in documents(archives, _created()).items():
        write_file(made, str(given.out / name), validate=False)
        print(f"{given.out / name}: {len(made.packages) - 1} packages")


if __name__ == "__main__":
    main()
