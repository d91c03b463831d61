"""MkDocs and its theme are not in the environment, so that nothing else can import them."""

from pathlib import Path

from docs_site import mermaid
from tools.package_folder import PackageFolder
from tools.tool import not_prepared

MKDOCS = PackageFolder("mkdocs", Path(__file__).with_name("requirements.lock"))


def make() -> None:
    """Install the packages and the script for diagrams. Raises Unavailable."""
    MKDOCS.make()
    mermaid.make()


def find() -> Path:
    """The folder of the packages. Raises Unavailable if they, or the script that npm can bring, are missing."""
    if mermaid.is_missing():
        raise not_prepared(MKDOCS.name, MKDOCS.tier)
    return MKDOCS.find()
