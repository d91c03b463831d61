"""Small container images without registry or builder: given files as the only layer of an OCI archive."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any


def write(
    archive: Path, name: str, files: dict[str, Path], *, entrypoint: list[str], links: dict[str, str] | None = None
) -> None:
    """An archive for `ctr images import` with the image `name`: executable `files` and `links` by their path in it."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("bin", "tmp"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(member)
        for target, link in (links or {}).items():
            member = tarfile.TarInfo(target.lstrip("/"))
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
        for target, source in files.items():
            data = source.read_bytes()
            member = tarfile.TarInfo(target.lstrip("/"))
            member.size, member.mode = len(data), 0o755
            tar.addfile(member, io.BytesIO(data))
    plain = layer.getvalue()
    packed = gzip.compress(plain, compresslevel=1, mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
    }
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str, **more: Any) -> dict[str, Any]:
        blobs[_digest(data)] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": _digest(data), "size": len(data), **more}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(packed, "layer.v1.tar+gzip")],
    }
    note = {"io.containerd.image.name": name}
    entry = blob(json.dumps(manifest).encode(), "manifest.v1+json", annotations=note)
    index = {"schemaVersion": 2, "manifests": [entry]}
    with tarfile.open(archive, "w") as tar:
        texts = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
        for target, data in {**texts, **{f"blobs/sha256/{key[7:]}": data for key, data in blobs.items()}}.items():
            member = tarfile.TarInfo(target)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
