"""Tars and folders that look right and are not: one for each rule, made by hand."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from reelmill_stages.tar.inspect import contents
from reelmill_stages.tar.write import TarWriter, index_bytes

Members = list[tuple[str, bytes]]


def picture(color: int = 0) -> bytes:
    """A small JPEG."""
    out = io.BytesIO()
    Image.new("RGB", (16, 8), (color, color, color)).save(out, format="JPEG")
    return out.getvalue()


GOOD: Members = [
    (name, data)
    for key in ("000000000", "000000001")
    for name, data in (
        (f"{key}.json", json.dumps({"prompt": "<image>", "image_name_list": [f"{key}-0"]}).encode()),
        (f"{key}.0.jpg", picture()),
    )
]


def tar(path: Path, members: Members = GOOD) -> Path:
    """A tar of these members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TarWriter(path) as made:
        for name, data in members:
            made.add(name, data)
    return path


def renamed(changes: dict[str, str]) -> Members:
    return [(changes.get(name, name), data) for name, data in GOOD]


def damaged(path: Path, change: Callable[[bytes], bytes]) -> None:
    tar(path)
    path.write_bytes(change(path.read_bytes()))


def flipped(data: bytes) -> bytes:
    return data[:5] + bytes([data[5] ^ 1]) + data[6:]


def twins(folder: Path, one: Members = GOOD, other: Members = GOOD) -> None:
    tar(folder / "a.tar", one)
    tar(folder / "b.tar", other)


def served(folder: Path, members: Members = GOOD) -> None:
    """A folder that Energon and Hugging Face open."""
    path = tar(folder / "0001/a.tar", members)
    found = contents(path)
    path.with_suffix(".tar.idx").write_bytes(index_bytes(found.offsets, found.end))
    meta = folder / ".nv-meta"
    meta.mkdir()
    (meta / ".info.json").write_text(json.dumps({"shard_counts": {"0001/a.tar": found.count}}))
    (meta / "split.yaml").write_text("split_parts:\n  train:\n  - 0001/a.tar\nexclude: []\n")
    (meta / "dataset.yaml").write_text("__module__: megatron.energon\n__class__: CrudeWebdataset\n")
    (folder / "README.md").write_text(readme("0001/a.tar"))


def readme(pattern: str) -> str:
    return f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: '{pattern}'\n---\n"


def edited(folder: Path, name: str, text: str | bytes | None) -> None:
    """A folder that was fine before one file changed."""
    served(folder)
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


ONE_KEY = [("v1.0001.json", b"{}"), ("v1.0001.txt", b"a"), ("v1.0002.json", b"{}"), ("v1.0002.txt", b"b")]
DASHED = renamed({"000000000.0.jpg": "000000000-0.jpg", "000000001.0.jpg": "000000001-0.jpg"})
SORTED = sorted(DASHED)

TARS: dict[str, Callable[[Path], object]] = {
    "empty_file": lambda folder: (folder / "a.tar").touch(),
    "compressed": lambda folder: damaged(folder / "a.tar", gzip.compress),
    "truncated": lambda folder: damaged(folder / "a.tar", lambda data: data[:2600]),
    "corrupt_header": lambda folder: damaged(folder / "a.tar", flipped),
    "empty": lambda folder: tar(folder / "a.tar", []),
    "upper_case": lambda folder: tar(folder / "a.tar", renamed({"000000001.json": "000000001.JSON"})),
    "duplicate_part": lambda folder: tar(folder / "a.tar", [*GOOD, GOOD[-1]]),
    "split_key": lambda folder: tar(folder / "a.tar", [*GOOD, ("000000000.txt", b"late")]),
    "dotted_key": lambda folder: tar(folder / "a.tar", ONE_KEY),
    "dashed_frames": lambda folder: tar(folder / "a.tar", DASHED),
    "hidden": lambda folder: tar(folder / "a.tar", [*GOOD, ("000000001.npy", b"x")]),
    "json_first": lambda folder: tar(folder / "a.tar", SORTED),
}
"""Rules that one tar's structure can break."""

FOLDERS: dict[str, Callable[[Path], object]] = {
    **TARS,
    "unique_keys": twins,
    "same_parts": lambda folder: tar(folder / "a.tar", [*GOOD, ("000000001.txt", b"more")]),
    "video_suffix": lambda folder: tar(folder / "a.tar", [("0.json", b"{}"), ("0.webm", b"x")]),
    "energon_index": lambda folder: edited(folder, "0001/a.tar.idx", index_bytes([0, 512], 10_240)),
    "energon_info": lambda folder: edited(folder, ".nv-meta/.info.json", '{"shard_counts": {"0001/a.tar": 3}}'),
    "energon_split": lambda folder: edited(folder, ".nv-meta/split.yaml", "split_parts:\n  train: [b.tar]\n"),
    "energon_dataset": lambda folder: edited(folder, ".nv-meta/dataset.yaml", "fields: {}\n"),
    "readme": lambda folder: edited(folder, "README.md", readme("*/a.tar*")),
}
"""Rules that a folder can break."""

MORE: list[tuple[str, Callable[[Path], object]]] = [
    ("energon_index", lambda folder: edited(folder, "0001/a.tar.idx", None)),
    ("energon_info", lambda folder: edited(folder, ".nv-meta/.info.json", None)),
    ("energon_info", lambda folder: edited(folder, ".nv-meta/.info.json", '{"shard_counts": {"b.tar": 2}}')),
    ("energon_info", lambda folder: edited(folder, ".nv-meta/.info.json", "[]")),
    ("energon_split", lambda folder: edited(folder, ".nv-meta/split.yaml", "split_parts: {train: []}\n")),
    ("energon_split", lambda folder: edited(folder, ".nv-meta/split.yaml", "{:")),
    ("energon_dataset", lambda folder: edited(folder, ".nv-meta/dataset.yaml", None)),
    ("readme", lambda folder: edited(folder, "README.md", "# no front matter\n")),
    ("readme", lambda folder: edited(folder, "README.md", readme("other/*.tar"))),
    ("readme", lambda folder: edited(folder, "README.md", None)),
    ("truncated", lambda folder: damaged(folder / "a.tar", lambda data: data[:512])),
    ("truncated", lambda folder: damaged(folder / "a.tar", lambda data: data[: len(data) - len(data) % 1024 - 9216])),
    ("empty", lambda folder: tar(folder / "a.tar", [("__meta__", b"x")])),
]
"""The same rules in other ways."""


def directories(path: Path) -> Path:
    """A good tar as other tools write it: with folders, links and metadata between the members."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as made:
        for name, kind in (("d", tarfile.DIRTYPE), ("d/link", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            made.addfile(info)
        for name, data in [("__info__", b"x"), *[(f"d/{name}", data) for name, data in GOOD]]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return path
