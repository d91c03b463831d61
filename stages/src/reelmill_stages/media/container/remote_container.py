"""Choice of containers that are read by ranges: those whose index lists all packets of the video."""

from reelmill_stages.media.container.fragment_index import fragment_index
from reelmill_stages.media.container.indexed_movie import IndexedMovie
from reelmill_stages.media.container.movie_index import movie_index
from reelmill_stages.media.container.sparse_file import SparseFile
from reelmill_stages.media_file import RemoteFile, RemoteObject, buffered


def remote_container(source: RemoteObject) -> RemoteFile | None:
    """Return the media file in an object; None if its container has no such index.

    Raises the errors of reading the object, and WholeFileNeeded.
    """
    movie = movie_index(buffered(source), source.size)
    if movie is not None:
        return IndexedMovie(source, movie)
    fragments = fragment_index(source)
    return SparseFile(source, fragments) if fragments is not None else None
