"""Which tests one process of pytest-xdist runs one after the other: those of a file, and all that look at the sources.

Tests of tests/repo share the syntax trees of a thousand files, which each process would parse for itself.
"""

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/repo/",)
"""Folders whose tests belong to one process."""


class FolderOrFile(LoadFileScheduling):
    """`--dist loadfile`, with some folders as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
