"""Target for responses of S3 servers: status, headers and XML, in the order of the requests."""

import io
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from fuzz.targets.scratch import SEPARATOR
from reelmill.contract.errors import ReelmillError
from reelmill.contract.task import Connection
from reelmill_stages.store.retry import Patience
from reelmill_stages.store.s3.store import S3Store

_ENV = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
_PART = 8
"""Size of a part in bytes; written objects have two parts."""
_MOST = 20
"""Maximum number of responses per request, after which the connection is refused, because lists may be endless."""


class Server:
    """Replacement for the client's connections that returns the responses in order, repeating the last one."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers
        self._given = 0

    def urlopen(self, method: str, _url: str, **_options: Any) -> HTTPResponse:
        if self._given >= _MOST:
            raise ConnectionRefusedError("the fuzzer gives no more answers")
        answer = self._answers[min(self._given, len(self._answers) - 1)]
        self._given += 1
        head, _, body = answer.partition(b"\n\n")
        first, *lines = head.decode("latin-1").split("\n")
        headers = HTTPHeaderDict()
        for line in lines:
            name, _, value = line.partition(":")
            headers.add(name.strip(), value.strip())
        status = int(first) if first.isascii() and first.isdecimal() and len(first) == 3 else 200
        body = b"" if method == "HEAD" else body
        return HTTPResponse(io.BytesIO(body), headers, status, preload_content=_options.get("preload_content", True))

    def clear(self) -> None:
        """Do nothing, because there are no connections."""


def s3_answers(data: bytes) -> None:
    """Every request of a store, with the same responses."""
    with tempfile.TemporaryDirectory() as folder:
        for request in _REQUESTS:
            store = S3Store(
                "bucket", "p", connection=Connection(endpoint="http://127.0.0.1:9"), env=_ENV,
                patience=Patience(attempts=1), part_size=_PART,
            )  # fmt: skip
            store._client._http = Server(data.split(SEPARATOR))
            with suppress(ReelmillError):
                request(store, Path(folder))


def _opened(store: S3Store, _folder: Path) -> None:
    with store.open("k") as file:
        file.read()


_REQUESTS: tuple[Callable[[S3Store, Path], object], ...] = (
    lambda store, _: list(store.list("", problems=True)),
    lambda store, _: store.stat("k"),
    lambda store, _: store.read("k"),
    lambda store, _: store.read("k", start=1, length=4),
    _opened,
    lambda store, folder: store.fetch("k", folder),
    lambda store, _: store.write("k", b"small", create=True, metadata={"a": "b"}),
    lambda store, _: store.write("k", b"more than one part", if_match="e"),
    lambda store, _: store.move("k", "l"),
    lambda store, _: store.delete("k"),
)


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] = {}) -> bytes:
    """A response as an input."""
    lines = [str(status), *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines).encode() + b"\n\n" + body
