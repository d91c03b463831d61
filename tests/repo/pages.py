"""Code on the pages, for tests that run it."""

import re

from repo.tree import ROOT


def blocks(page: str, language: str, heading: str = "") -> list[str]:
    """The page's code in this language, below one heading or all of it."""
    text = (ROOT / page).read_text()
    if heading:
        text = text.split(f"\n## {heading}\n")[1].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
