"""Scheduling of tests in pytest-xdist: each file, and each folder in TOGETHER, runs in one process.

Fixtures of a file are therefore set up once, also with `-n 2` without `--dist`.

Tests in tests/repo share the syntax trees of a thousand files, which each process would have to parse again.
"""

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/repo/",)
"""Folders whose tests run in one process."""


class FolderOrFile(LoadFileScheduling):
    """Like `--dist loadfile`, but some folders are not divided."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
