"""The image that a sample's Dockerfile describes: an image of ours with files of one's own copied into it.

The archive holds the new layer, configuration and manifest only: whoever has the image that it is made from, a node,
has the rest. So it takes a moment, where a builder would write hundreds of megabytes.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def derive(base: Path, dockerfile: Path, name: str, archive: Path) -> Path:
    """Write an archive of the image `name` for nodes that have the one of the archive `base`.

    Raises ValueError for a Dockerfile that does more than to copy files.
    """
    with tarfile.open(base) as tar:
        (entry,) = _json(tar, "index.json")["manifests"]
        manifest = _json(tar, _blob(entry["digest"]))
        config = _json(tar, _blob(manifest["config"]["digest"]))
    plain = _layer(dockerfile)
    packed = gzip.compress(plain, mtime=0)
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> Json:
        blobs[_blob(_digest(data))] = data
        return {"mediaType": kind, "digest": _digest(data), "size": len(data)}

    config["rootfs"]["diff_ids"].append(_digest(plain))
    config["history"] = [*config.get("history", []), {"created_by": f"COPY of {dockerfile.parent.name}"}]
    manifest["layers"].append(blob(packed, manifest["layers"][-1]["mediaType"]))
    manifest["config"] = blob(json.dumps(config).encode(), manifest["config"]["mediaType"])
    found = blob(json.dumps(manifest).encode(), entry["mediaType"])
    index = {"schemaVersion": 2, "manifests": [{**found, "annotations": {"io.containerd.image.name": name}}]}
    texts = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    archive.write_bytes(_tar({**texts, **blobs}))
    return archive


def _layer(dockerfile: Path) -> bytes:
    words = [line.split() for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    files: dict[str, bytes] = {}
    for instruction, *rest in words:
        if instruction == "COPY" and len(rest) == 2 and rest[1].endswith("/"):
            files[rest[1].lstrip("/") + rest[0]] = (dockerfile.parent / rest[0]).read_bytes()
        elif instruction not in ("ARG", "FROM"):
            raise ValueError(f"{dockerfile}: {instruction} is more than copying files into a folder")
    return _tar(files)


def _tar(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return made.getvalue()


def _json(tar: tarfile.TarFile, name: str) -> Json:
    file = tar.extractfile(name)
    assert file
    found: Json = json.load(file)
    return found


def _blob(digest: str) -> str:
    return re.sub("^sha256:", "blobs/sha256/", digest)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
