"""Minimisation of failing inputs: parts are removed while the same error is raised at the same place."""

import traceback

from fuzz.limits import timed
from fuzz.target import Run

_BYTE = b"0"


def smallest(run: Run, data: bytes) -> bytes:
    """A minimal input that fails like `data`. Raises ValueError if `data` does not fail."""
    wanted = failure(run, data)
    if wanted is None:
        raise ValueError("this input does not fail")
    size = len(data)
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if len(shorter) < len(data) and failure(run, shorter) == wanted:
                data = shorter
            else:
                at += size
        size //= 2
    for at in range(len(data)):
        plainer = data[:at] + _BYTE + data[at + 1 :]
        if data[at : at + 1] != _BYTE and failure(run, plainer) == wanted:
            data = plainer
    return data


def failure(run: Run, data: bytes) -> tuple[str, str, int] | None:
    """The error's class and the place where it was raised, or None."""
    try:
        with timed():
            run(data)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, place.filename, place.lineno or 0
    return None
