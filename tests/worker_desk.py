"""The workspace of a stage in tests, with local files."""

from pathlib import Path

from reelmill.contract.records.rows import Media


class Desk:
    gpu = None

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = scratch

    def open(self, media: Media) -> Path:
        return self.fetch(media)

    def fetch(self, media: Media) -> Path:
        return Path(media.uri)

    def read(self, uri: str, digest: str = "") -> Path:
        return Path(uri)
