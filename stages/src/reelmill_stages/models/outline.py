"""Names and shapes of the tensors in a file of weights, read without torch and without loading tensors.

Untrusted pickles are not executed: everything except tensors and plain containers is replaced by a placeholder.
"""

import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.untrusted.arrays import refusing
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.untrusted.pickles import load, loads

Outline = dict[str, tuple[int, ...]]
"""Shapes by name."""

NESTED = ("model_state_dict", "state_dict", "model")
"""Keys under which training scripts store the state dict in a checkpoint."""

_WRAPPED = "module."
"""Prefix of all keys after training with DataParallel."""
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LARGEST_HEADER = 100 << 20


class TensorShape(tuple[int, ...]):
    """The shape of a tensor, in place of the tensor."""


class _Blank:
    """Placeholder for any other object."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass

    def __call__(self, *_: object, **__: object) -> "_Blank":
        return self

    def __setitem__(self, *_: object) -> None:
        pass

    def append(self, _: object) -> None:
        pass

    def extend(self, _: object) -> None:
        pass


def outline(path: Path, where: str) -> Outline:
    """Return the names and shapes of the state dict in a PyTorch or safetensors file. Raises SpecError otherwise."""
    try:
        with refusing():
            found = _safetensors(path) if is_safetensors(path) else _pickled(path)
            return {name: tuple(shape) for name, shape in state(found, TensorShape).items()}
    except (OSError, ValueError) as error:
        raise unreadable(where, error) from error


def unreadable(where: str, error: BaseException) -> SpecError:
    """Return the error for a file without a state dict."""
    return SpecError(
        f"not a file of weights: {error or type(error).__name__}",
        where=where,
        hint="give a state dict saved by torch.save, at the top level or under model_state_dict, or a safetensors file",
    )


def state(found: Any, kind: type) -> dict[str, Any]:
    """Return the tensors of a checkpoint by name. Raises ValueError if there are none."""
    if isinstance(found, Mapping):
        inner = next((found[name] for name in NESTED if isinstance(found.get(name), Mapping)), found)
        tensors = {str(name): value for name, value in inner.items() if isinstance(value, kind)}
        if tensors and all(name.startswith(_WRAPPED) for name in tensors):
            return {name.removeprefix(_WRAPPED): value for name, value in tensors.items()}
        if tensors:
            return tensors
    raise ValueError("it contains no named tensors")


def is_safetensors(path: Path) -> bool:
    """Whether a file begins like safetensors: with the length of a JSON object, followed by the object."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def _safetensors(path: Path) -> dict[str, TensorShape]:
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > _LARGEST_HEADER:
            raise ValueError("its header is truncated")
        header = load_json(file.read(size))
    return {name: TensorShape(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def _pickled(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"), None)
            if name is None:
                raise ValueError("a zip file that was not written by torch.save")
            if archive.getinfo(name).file_size > _LARGEST_HEADER:
                raise ValueError("its pickle is too large")
            return loads(archive.read(name), _find_class)
    with path.open("rb") as file:
        if load(file, _find_class) != _LEGACY_MAGIC:
            raise ValueError("it does not begin like a file of torch.save")
        for _ in ("protocol", "machine"):
            load(file, _find_class)
        return load(file, _find_class)


def _tensor(_storage: object, _offset: object, size: tuple[int, ...], *_: object) -> TensorShape:
    return TensorShape(size)


def _parameter(data: object, *_: object) -> object:
    return data


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


def _find_class(module: str, name: str) -> Any:
    return _KNOWN.get((module, name), _Blank)
