"""URIs of files on web servers."""

from urllib.parse import unquote

from reelmill.contract.errors import SpecError


def is_web(uri: str) -> bool:
    """Whether a URI is that of a file on a web server."""
    return uri.startswith(("https://", "http://"))


def file_path(uri: str) -> str:
    """A path or URI as it names a file: of a URL, without its query, and decoded."""
    return unquote(uri.partition("?")[0]) if is_web(uri) else uri


def no_listing(uri: str) -> SpecError:
    """The error for a web server where a folder is needed."""
    hint = "list the files: `table` reads URLs from a column, or from a text file with one URL per line"
    return SpecError("a web server has no listing of its files", where=uri, hint=hint)
