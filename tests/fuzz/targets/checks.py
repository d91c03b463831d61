"""Targets for `reelmill check` on untrusted folders: any file content is a finding, never an error."""

from fuzz.targets.scratch import parts, scratch
from reelmill_stages.registry import checks

_TEXTS = (
    "chunk_index.json", "text_video_pairs.json", "dataset_info.json", "index.json", "tokens.json", "tr/mix.json",
    "tr/s1.json", "tr/s2.json", "tr/ready.json", ".nv-meta/.info.json", ".nv-meta/split.yaml", ".nv-meta/dataset.yaml",
    "README.md", "sample/size.json",
)  # fmt: skip
_FILES = ("index.pkl", "sample/video_encode.pkl", "sample/text_encode.pkl", "a.tar", "x_embedding.npz", "features.npz")


def check_texts(data: bytes) -> None:
    """JSON and YAML files: each text is used for every such file, the second one for the lists of both speakers."""
    first, second = parts(data, 2)
    folder = scratch.folder()
    (folder / "a.tar.idx").write_bytes(b"\0" * 16)
    for name in _TEXTS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(second if second and "/s" in name else first)
    _check_all()


def check_files(data: bytes) -> None:
    """Pickles, tars and arrays."""
    folder = scratch.folder()
    for name in _FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    _check_all()


def _check_all() -> None:
    for check in checks().values():
        if check.detect(scratch.path):
            for finding in check.check(scratch.path):
                assert finding.rule
                assert finding.ok in {True, False}
