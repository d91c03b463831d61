"""Requests to a bucket of Google Cloud Storage, each retried, and its errors converted.

Google's client is not safe for threads, so each thread has its own.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from google.cloud.storage import Blob, Bucket, Client

from reelmill.contract.errors import NotFound, ReelmillError
from reelmill_stages.store.google.errors import explain
from reelmill_stages.store.keys import check_key
from reelmill_stages.store.retry import Attempts, Patience

T = TypeVar("T")


class BucketClient:
    """The bucket `name`, of which the objects under `prefix` are used. Sends no request by itself."""

    def __init__(
        self, endpoint: str, name: str, prefix: str, credential: Any, patience: Patience, timeouts: tuple[float, float]
    ) -> None:
        self.prefix = prefix
        self.patience = patience
        self.options: dict[str, Any] = {"timeout": timeouts, "retry": None}
        """Arguments of every request."""
        self.is_there = False
        """Whether the bucket is known to exist."""
        self._endpoint = endpoint
        self._name = name
        self._credential = credential
        self._local = threading.local()

    def bucket(self) -> Bucket:
        """The bucket, with a client for this thread."""
        if not hasattr(self._local, "bucket"):
            options = {"api_endpoint": self._endpoint}
            client = Client(project="none", credentials=self._credential, client_options=options)
            self._local.bucket = client.bucket(self._name)
        found: Bucket = self._local.bucket
        return found

    def blob(self, key: str, generation: int | None = None) -> Blob:
        """An object by its key below the prefix."""
        return self.bucket().blob(self.prefix + check_key(key), generation=generation)

    def call(self, key: str, request: Callable[[], T], attempts: Attempts | None = None) -> T:
        """Send a request about a key (empty: about the bucket) until it succeeds or patience ends.

        Raises the errors of `Store`.
        """
        attempts = attempts or Attempts(self.patience)
        while True:
            try:
                found = request()
            except Exception as error:
                problem = self._explain(error, key)
                if problem is None:
                    raise
                if isinstance(problem, NotFound) and not self.is_there:
                    self._ask_for_bucket()
                attempts.wait_or_raise(problem, error)
            else:
                self.is_there = True
                return found

    def _ask_for_bucket(self) -> None:
        """Raises NotFound if there is no bucket: answers about objects do not always tell."""
        try:
            list(self.bucket().list_blobs(max_results=1, **self.options))
        except Exception as error:
            if isinstance(self._explain(error, ""), NotFound):
                raise NotFound(
                    f"the bucket {self._name!r} does not exist",
                    where=self._endpoint,
                    hint="create it, or check the URI",
                ) from error
        else:
            self.is_there = True

    def _explain(self, error: Exception, key: str) -> ReelmillError | None:
        return explain(error, endpoint=self._endpoint, bucket=self._name, key=self.prefix + key if key else "")
