"""URIs of files on web servers."""

from reelmill.contract.errors import SpecError


def is_web(uri: str) -> bool:
    """Whether a URI is that of a file on a web server."""
    return uri.startswith(("https://", "http://"))


def no_listing(uri: str) -> SpecError:
    """The error for a web server where a folder is needed."""
    hint = "list the files: `table` reads URLs from a column, or from a text file with one URL per line"
    return SpecError("a web server has no listing of its files", where=uri, hint=hint)
