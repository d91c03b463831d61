"""Output files of commands: an existing file is replaced only if an earlier call of the command wrote it."""

from collections.abc import Callable
from pathlib import Path

from reelmill.contract.errors import SpecError


def check_may_replace(path: Path, is_ours: Callable[[Path], bool], *, option: str) -> None:
    """Raises SpecError if a file exists and `is_ours` does not recognise it as written by the command.

    Anything that is not a regular file, such as a device, is accepted. `option` is the command's option that names the
    file.
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
