"""URIs of files on web servers."""

from urllib.parse import unquote

from reelmill.contract.errors import SpecError


def is_web(uri: str) -> bool:
    """Return whether a URI is that of a file on a web server."""
    return uri.startswith(("https://", "http://"))


def file_path(uri: str) -> str:
    """Return the path of a file from a path or URI; that of a URL is decoded and without its query."""
    return unquote(uri.partition("?")[0]) if is_web(uri) else uri


def no_listing(uri: str) -> SpecError:
    """Return the error for a web server in place of a folder."""
    hint = "list the files: `table` reads URLs from a column, or from a text file with one URL per line"
    return SpecError("a web server has no listing of its files", where=uri, hint=hint)
