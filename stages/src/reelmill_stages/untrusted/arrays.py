"""What is wrong with a file of arrays, in words for people: numpy's own advise to load pickles of unknown origin."""

_UNSAFE = ("allow_pickle", "pickle")


def array_fault(error: Exception) -> str:
    """Why numpy refused a file; one line. Python objects are never loaded."""
    said = (str(error).splitlines() or [""])[0] or type(error).__name__
    if any(word in said for word in _UNSAFE):
        return "it is no numpy file, or contains Python objects, which are not loaded: save arrays of numbers"
    return said
