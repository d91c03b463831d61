"""The loaders' snippets on the pages about data sets: each is run as it stands there."""

import re
from pathlib import Path

from trainers.environments import seen_by

DOCS = Path(__file__).resolve().parents[2] / "docs"


def said_by(format_: str, environment: str, folder: Path, page: str = "write.md") -> list[str]:
    """The lines that the snippet of a format prints, where `folder` is called `exported`."""
    found = re.search(rf"<!-- run: {format_} -->\n\n```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found, f"the page has no code that is marked with run: {format_}"
    (folder.parent / "exported").symlink_to(folder)
    lines: list[str] = seen_by(environment, folder.parent, found[1], reader="snippet")
    return lines
