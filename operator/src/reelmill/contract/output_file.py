"""The file that a command is told to write: what lies there is replaced only where an earlier call wrote it."""

from collections.abc import Callable
from pathlib import Path

from reelmill.contract.errors import SpecError


def must_be_ours(path: Path, is_ours: Callable[[Path], bool], *, option: str) -> None:
    """Raises SpecError for a file that is there already and that `is_ours` does not know as one of the command's own.

    What is there and is no file, such as a device, is left to whoever writes. `option` is the command's option that
    names the file.
    """
    try:
        foreign = path.is_file() and not is_ours(path)
    except OSError as error:
        raise SpecError(
            f"the existing file cannot be read: {error.strerror}",
            where=str(path),
            hint=f"choose another path with {option}",
        ) from error
    if foreign:
        raise SpecError(
            "the existing file is something else and is not replaced",
            where=str(path),
            hint=f"choose another path with {option}, or move it away",
        )
