"""Requests to a bucket of Google Cloud Storage, with retries and converted errors.

Google's client is not thread-safe, so each thread has a separate one.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote

from google.api_core.exceptions import from_http_response
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Blob, Bucket, Client

from reelmill.contract.errors import NotFound, ReelmillError
from reelmill_stages.store.google.errors import explain
from reelmill_stages.store.keys import check_key
from reelmill_stages.store.retry import Attempts, Patience, Retries

T = TypeVar("T")
PART = 16 << 20
"""Size in bytes of one request when an object is written in several; a multiple of 256 KiB."""
_CHUNK = 1 << 20
"""Size in bytes of the chunks of a stream."""


class BucketClient:
    """The objects under `prefix` in the bucket `name`. The constructor sends no request."""

    def __init__(
        self, endpoint: str, name: str, prefix: str, credential: Any, patience: Patience, timeouts: tuple[float, float]
    ) -> None:
        self.prefix = prefix
        self.retries = Retries(patience, self._explain)
        self.options: dict[str, Any] = {"timeout": timeouts, "retry": None}
        """Arguments of every request."""
        self.is_there = False
        """Whether the bucket is known to exist."""
        self._endpoint = endpoint
        self._name = name
        self._credential = credential
        self._timeouts = timeouts
        self._local = threading.local()

    def bucket(self) -> Bucket:
        """The bucket, with a client for this thread."""
        if not hasattr(self._local, "bucket"):
            options = {"api_endpoint": self._endpoint}
            client = Client(project="none", credentials=self._credential, client_options=options)
            self._local.bucket = client.bucket(self._name)
        found: Bucket = self._local.bucket
        return found

    def blob(self, key: str, generation: int | None = None, *, part: int | None = None) -> Blob:
        """Return an object by its key below the prefix. It is written in requests of `part` bytes.

        With `part`, the client would also read it in several requests, which could return parts of several versions of
        the object, and would not compare checksums.
        """
        return self.bucket().blob(self.prefix + check_key(key), generation=generation, chunk_size=part)

    def stream(self, key: str, generation: str, start: int) -> Iterator[bytes]:
        """Yield the content of an object from an offset on, in one request. Streams of the client send one per part."""
        if not hasattr(self._local, "session"):
            self._local.session = AuthorizedSession(self._credential)  # type: ignore[no-untyped-call]
        name = quote(self.prefix + check_key(key), safe="")
        answer = self._local.session.get(
            f"{self._endpoint}/download/storage/v1/b/{quote(self._name, safe='')}/o/{name}",
            params={"alt": "media", "generation": generation, "ifGenerationMatch": generation},
            # Objects that are stored with gzip are read unchanged.
            headers={"Accept-Encoding": "gzip"} | ({"Range": f"bytes={start}-"} if start else {}),
            stream=True,
            timeout=self._timeouts,
        )
        with answer:
            if answer.status_code != (206 if start else 200):
                raise from_http_response(answer)  # type: ignore[no-untyped-call]
            yield from answer.raw.stream(_CHUNK, decode_content=False)

    def call(self, key: str, request: Callable[[], T], attempts: Attempts | None = None) -> T:
        """Send a request about a key (empty: about the bucket) until it succeeds or the retries end.

        Raises the errors of `Store`.
        """
        found = self.retries.call(key, request, attempts)
        self.is_there = True
        return found

    def _ask_for_bucket(self) -> None:
        """Raise NotFound if there is no bucket: responses about objects do not always distinguish this."""
        try:
            list(self.bucket().list_blobs(max_results=1, **self.options))
        except Exception as error:
            if isinstance(self._problem(error, ""), NotFound):
                raise NotFound(
                    f"the bucket {self._name!r} does not exist",
                    where=self._endpoint,
                    hint="create it, or check the URI",
                ) from error
        else:
            self.is_there = True

    def _explain(self, error: Exception, key: str) -> ReelmillError | None:
        problem = self._problem(error, key)
        if isinstance(problem, NotFound) and not self.is_there:
            self._ask_for_bucket()
        return problem

    def _problem(self, error: Exception, key: str) -> ReelmillError | None:
        return explain(error, endpoint=self._endpoint, bucket=self._name, key=self.prefix + key if key else "")
