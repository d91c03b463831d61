"""Media types of files by extension, and the corresponding Croissant data types."""

import re
from dataclasses import dataclass

TAR = "application/x-tar"
_OTHER = "application/octet-stream"
_TYPES = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska", "webm": "video/webm",
    "avi": "video/x-msvideo", "ts": "video/mp2t", "wav": "audio/wav", "flac": "audio/flac", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "png": "image/png", "txt": "text/plain", "vtt": "text/vtt", "tar": TAR,
}  # fmt: skip
_EXTENSION = re.compile(r"[^/]\.([A-Za-z0-9]{1,12})\Z")
_DECODED = frozenset({"image/jpeg", "image/png", "text/plain"})


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type, and the Croissant data type of a file of it."""

    name: str

    @property
    def data_type(self) -> str:
        """Croissant's type of the content."""
        kind = self.name.partition("/")[0]
        return {"video": "sc:VideoObject", "audio": "sc:AudioObject", "image": "sc:ImageObject"}.get(kind, "sc:Text")

    @property
    def encodings(self) -> list[str]:
        """Values of `encodingFormat`.

        mlcroissant returns the bytes of a file with a type that it does not decode only if `text/plain` is listed as
        well, after the type.
        """
        return [self.name] if self.name in _DECODED else [self.name, "text/plain"]


def extension(path: str) -> str:
    """The extension of a file, in lower case and without the dot; empty if there is none that could name a type."""
    found = _EXTENSION.search(path)
    return found[1].lower() if found else ""


def media_type(extension_: str) -> MediaType:
    """The media type of files with an extension."""
    return MediaType(_TYPES.get(extension_, _OTHER))
