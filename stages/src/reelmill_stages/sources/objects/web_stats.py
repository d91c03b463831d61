"""The attributes of files on web servers, which cannot be listed: one request per file, several at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from reelmill.contract.errors import NotFound, ServerRefused, SpecError, StoreError, TransientError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.host.disk import is_disk_full
from reelmill_stages.store import Problem, Stat, Store
from reelmill_stages.store.open import split_uri

_THREADS = 16
_PATIENCE = 3
"""Number of consecutive files that fail, with all retries, after which no further requests are sent to the server."""


class WebStats:
    """Requests the attributes of files by their URLs. A file that cannot be read has a `problem`."""

    def __init__(self, store_of: Callable[[str], Store]) -> None:
        self._store_of = store_of
        self._known: dict[str, Stat | None] = {}
        self._asked: dict[str, Future[Stat | None]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._failures: dict[str, int] = {}
        self._lock = threading.Lock()

    def expect(self, url: str) -> None:
        """Request the attributes of a file ahead of `stat`."""
        if url not in self._known and url not in self._asked:
            self._pool = self._pool or ThreadPoolExecutor(_THREADS, "urls")
            store = self._store_of(split_uri(url)[0])
            self._asked[url] = self._pool.submit(self._stat, url, store)

    def stat(self, url: str) -> Stat | None:
        """Return the attributes of a file, or None if it does not exist."""
        if url not in self._known:
            self.expect(url)
            self._known[url] = self._asked.pop(url).result()
        return self._known[url]

    def _stat(self, url: str, store: Store) -> Stat | None:
        root, key = split_uri(url)
        if self._failures.get(root, 0) >= _PATIENCE:
            return _unusable(url, ItemReason.S3_5XX, f"{root} did not answer for {_PATIENCE} files before this one")
        try:
            found = store.stat(key)
        except NotFound:
            return None
        except ServerRefused as error:
            return _unusable(url, error.reason, str(error))
        except (StoreError, SpecError) as error:
            return _unusable(url, ItemReason.UNREADABLE, str(error))
        except TransientError as error:
            if is_disk_full(error):
                raise
            with self._lock:
                self._failures[root] = self._failures.get(root, 0) + 1
            return _unusable(url, ItemReason.S3_5XX, str(error))
        with self._lock:
            self._failures.pop(root, None)
        return replace(found, key=url)


def _unusable(url: str, reason: str, message: str) -> Stat:
    return Stat(url, 0, "", 0.0, problem=Problem(reason, message))
