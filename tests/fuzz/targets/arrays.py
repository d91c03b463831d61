"""Targets for arrays and weights: npy, npz, pickles, safetensors. Bytes are also wrapped in archives with checksums."""

import io
import zipfile
from contextlib import suppress

from fuzz.targets.scratch import scratch
from reelmill.contract.errors import ItemError, SpecError
from reelmill_stages.datasets.wav import read_wave
from reelmill_stages.media.keypoints import read_joints
from reelmill_stages.models.outline import outline
from reelmill_stages.stages.embed.lip_crops import crops_in
from reelmill_stages.stages.frames import pickles
from reelmill_stages.stages.grid.containers import opened
from reelmill_stages.untrusted.pickles import PickleError, loads


def keypoints(data: bytes) -> None:
    """Joints in the npz files of SAM 3D Body."""
    for archive in (data, _zipped("output.npy", data)):
        with suppress(ItemError):
            read_joints(archive, "000000_sam3d_body.npz")


def lip_crops(data: bytes) -> None:
    """Mouth crops in npz files."""
    for archive in (data, _zipped("data.npy", data)):
        with suppress(ItemError):
            crops_in(io.BytesIO(archive))


def frames_pickle(data: bytes) -> None:
    """Pickles of arrays."""
    path = scratch.file(data, "input.pkl")
    with suppress(PickleError):
        pickles.globals_of(path)
    with suppress(PickleError):
        pickles.load(path)


def plain_pickles(data: bytes) -> None:
    """Pickles of plain values."""
    with suppress(PickleError):
        loads(data)


def weights(data: bytes) -> None:
    """Names and shapes of tensors in files of torch and of safetensors."""
    header = len(data).to_bytes(8, "little")
    for content in (data, _zipped("archive/data.pkl", data), header + data):
        with suppress(SpecError):
            outline(scratch.file(content, "weights"), "weights")


def grid_npz(data: bytes) -> None:
    """Files of features by image id."""
    for content in (data, _zipped("9_grids.npy", data, comment=data[:64])):
        with suppress(ValueError, OSError, SpecError):
            file = opened(scratch.file(content, "features.npz"))
            try:
                dict(file.attributes)
                for name in file.names():
                    file.array(name)
            finally:
                file.close()


def wav(data: bytes) -> None:
    """Sound of mixtures."""
    for length in (None, 100):
        with suppress(SpecError):
            read_wave(data, "input.wav", rate=16000, length=length)


def _zipped(name: str, data: bytes, *, comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
        archive.comment = comment
    return made.getvalue()
