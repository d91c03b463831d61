"""Failed rows for entries of a source that cannot be read, so that one entry does not affect the others."""

from collections.abc import Callable, Iterator

from reelmill_stages.sources.listing.drafts import RowDraft, row_digest
from reelmill_stages.sources.objects.committed import FolderContents
from reelmill_stages.sources.tables.cells import shown


def unusable(
    contents: FolderContents,
    folder: str,
    wanted: Callable[[str], object],
    excluded: Callable[[str], object] = lambda _: False,
) -> Iterator[RowDraft]:
    """Yield a failed row for each entry that is `wanted` by its path below the folder.

    An entry that may contain any number of files has a row even if its name is not wanted, unless it, or everything in
    it, is `excluded`.
    """
    for uri, problem in contents.problems():
        below = uri.removeprefix(folder)
        if wanted(below) or (problem.is_folder and not excluded(below) and not excluded(f"{below}/_")):
            name = below if below.isprintable() else shown(below)
            yield RowDraft(
                below, row_digest([uri, problem.reason]), uri, problem=(problem.reason, f"{name}: {problem.message}")
            )
