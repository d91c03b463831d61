"""Check of the packages that a block needs, before any item is processed. Nothing is imported."""

from collections.abc import Iterator
from importlib.util import find_spec

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.measure import MeasureBlock

_ONNX = ("text", "faces", "nsfw", "speech")


def require(block: MeasureBlock) -> None:
    """Raise SpecError if a package is missing."""
    for package, extra in _needed_packages(block):
        if find_spec(package) is None:
            raise SpecError(
                f"the package {package!r} is not installed", where="measure", hint=f"install reelmill-stages[{extra}]"
            )


def _needed_packages(block: MeasureBlock) -> Iterator[tuple[str, str]]:
    yield "cv2", "measure"
    if any(name in block.models for name in _ONNX):
        yield "onnxruntime", "measure"
    if "clip" in block.models:
        yield "torch", "embed"
        yield "open_clip", "embed"
