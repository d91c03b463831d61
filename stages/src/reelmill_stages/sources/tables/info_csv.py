"""Reads CLIP4MC's `info.csv`, which maps videos to downloaded files.

There are two layouts: `url,filename`, and the later `url,title,status`, in which the title is the file name. Header,
BOM and extension are optional. A row belongs to the video whose id is in its url.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import refuse_twice
from reelmill_stages.sources.tables.formats import lines_of

_URL = ("url", "link", "video", "id", "vid", "video_id")
_FILE = ("filename", "file", "path", "title")
_SHORT = re.compile(r"^/(?:shorts|embed|live|v)/([\w-]+)")
_BARE = re.compile(r"(?:^|[?&\s])v=([\w-]+)")
_WIDE = str.maketrans('"*:<>?|/\\', "＂＊：＜＞？｜⧸⧹")
_ID = re.compile(r"^[\w-]{11}$", re.ASCII)


def video_id(text: str) -> str:
    """Return the id in `…watch?v=ID`, `youtu.be/ID`, `/shorts/ID`, `v=ID` or a plain id; empty if there is none."""
    text = text.strip()
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return ""
    host = (url.hostname or "").removeprefix("www.").removeprefix("m.")
    if host == "youtu.be":
        return url.path.strip("/").partition("/")[0]
    if host.endswith(("youtube.com", "youtube-nocookie.com")):
        short = _SHORT.match(url.path)
        return short[1] if short else parse_qs(url.query).get("v", [""])[0].strip()
    if bare := _BARE.search(text):
        return bare[1]
    return text if _ID.match(text) else ""


def files_by_id(data: bytes, where: str) -> Mapping[str, Sequence[str]]:
    """Return id -> distinct file names, in order. Rows without an id or a name are ignored.

    Raises SpecError with file and line if the columns cannot be determined, or if no row has an id.
    """
    url, name, titled = 0, 1, False
    found: dict[str, list[str]] = {}
    any_row = False
    for number, record in enumerate(lines_of(data, where, ",")):
        line, cells = record.line, record.cells
        if number == 0:
            header = _header(cells)
            if header is None and len(cells) < 2:
                raise SpecError("two columns are required: url,filename", where=f"{where}:{line}", hint=_hint(cells))
            if header is not None:
                url, name = _columns(header, f"{where}:{line}")
                refuse_twice((each for each in header if each in (header[url], header[name])), f"{where}:{line}")
                titled = header[name] == "title"
                continue
        any_row = True
        id_ = video_id(cells[url]) if url < len(cells) else ""
        file = cells[name].strip() if name < len(cells) else ""
        for written in _as_file_names(file) if titled else [file]:
            if id_ and written and written not in found.setdefault(id_, []):
                found[id_].append(written)
    if any_row and not found:
        raise SpecError("no row has the url of a video", where=f"{where}:1", hint="write url,filename")
    return found


def _as_file_names(title: str) -> list[str]:
    """Return the possible file names of a title: without slashes, and with yt-dlp's replacements for Windows."""
    return [title.replace("/", "⧸"), title.translate(_WIDE)]


def _header(cells: list[str]) -> list[str] | None:
    """Return the column names in the first line, or None if it is not a header."""
    names = [cell.strip().lower() for cell in cells]
    known = any(name in _URL + _FILE for name in names)
    return names if known and not any(video_id(cell) for cell in cells) else None


def _columns(names: list[str], where: str) -> tuple[int, int]:
    url = next((names.index(name) for name in _URL if name in names), None)
    file = next((names.index(name) for name in _FILE if name in names), None)
    if url is None or file is None:
        raise SpecError(f"no column {'filename' if url is not None else 'url'!r}", where=where, hint=_hint(names))
    return url, file


def _hint(names: list[str]) -> str:
    return f"write url,filename (or url,title,status); existing columns: {', '.join(names)}"
