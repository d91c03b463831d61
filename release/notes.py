"""The changelog section of a release, and checks that a checkout matches its tag."""

import re

from source import ROOT, ReleaseProblem, git, version

_HEADING = re.compile(r"^## \[([^\]]+)\](.*)$", re.MULTILINE)


def changelog() -> str:
    """The text of CHANGELOG.md."""
    return (ROOT / "CHANGELOG.md").read_text()


def section(text: str, release: str) -> str:
    """Return the section of a version in a changelog, with its heading. Raises ReleaseProblem."""
    headings = list(_HEADING.finditer(text))
    for place, heading in enumerate(headings):
        if heading[1] == release:
            end = headings[place + 1].start() if place + 1 < len(headings) else len(text)
            return text[heading.start() : end].strip() + "\n"
    raise ReleaseProblem(
        f"CHANGELOG.md has no section [{release}]: give the section Unreleased the version and the date"
    )


def must_fit(tag: str) -> None:
    """Raises ReleaseProblem unless the checkout, its version and its changelog match the tag."""
    release = version()
    if tag != f"v{release}":
        raise ReleaseProblem(f"the tag {tag} is not v{release}, the version of operator/pyproject.toml")
    if changes := git("status", "--porcelain").strip():
        raise ReleaseProblem(f"files differ from the commit that is released: {changes.splitlines()[0].strip()}")
    check(changelog(), release)


def check(text: str, release: str) -> None:
    """Raises ReleaseProblem unless a changelog has a dated section for the version and no unreleased entries."""
    heading = section(text, release).splitlines()[0]
    if not re.search(r"\d{4}-\d\d-\d\d$", heading):
        raise ReleaseProblem(f"the heading {heading!r} of CHANGELOG.md has no date: write ## [{release}] - YYYY-MM-DD")
    left = any(heading[1] == "Unreleased" for heading in _HEADING.finditer(text))
    if left and "\n- " in section(text, "Unreleased"):
        raise ReleaseProblem(
            f"CHANGELOG.md lists changes under Unreleased: move them to {release}, or raise the version"
        )
