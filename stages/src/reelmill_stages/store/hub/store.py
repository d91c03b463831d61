"""A data set of the Hugging Face Hub as a read-only store, at the commit of its revision at the first request.

Listings contain the commit as the version of a file, and reads with a version read that commit, so listed files stay
readable when the branch changes. If a commit no longer exists, the present one is read if it has the same content. The
etag contains the size and the id of the content, which is the same in all commits. The Hub has no conditional requests;
a commit does not change.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from urllib3.exceptions import HTTPError

from reelmill.contract.errors import NotFound, StoreError, TransientError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.task import Connection
from reelmill.contract.task_parts.web_limits import WebLimits
from reelmill_stages.store import Problem, Stat
from reelmill_stages.store.chunk_stream import begun
from reelmill_stages.store.hub.address import DEFAULT, HOSTS, Repository
from reelmill_stages.store.keys import check_key, check_prefix, key_problem
from reelmill_stages.store.retry import PATIENCE, Attempts, Patience
from reelmill_stages.store.web.client import Answer
from reelmill_stages.store.web.errors import unanswered
from reelmill_stages.store.web.rules import Origin, origin
from reelmill_stages.store.web.store import WebStore
from reelmill_stages.store.web.transfer import Chunked, Transfer
from reelmill_stages.store.web.turns import Turns
from reelmill_stages.store.web.validator import Validator
from reelmill_stages.untrusted.nested import JsonError, load_json

_MOST = 64 << 20
"""Maximum size of a response of the API in bytes; larger ones are refused."""
_CHUNK = 1 << 16
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_ACCESS = "check the name; for a private or gated data set, set HF_TOKEN, or name a Secret with it in s3.secretRef"


class HubStore(WebStore):
    """Implements `Store` for reading. Thread-safe, but not to be shared between processes."""

    def __init__(
        self,
        root: str,
        *,
        connection: Connection,
        limits: WebLimits,
        env: Mapping[str, str] = os.environ,
        patience: Patience = PATIENCE,
        turns: Turns | None = None,
    ) -> None:
        """`root`: `hf://datasets/OWNER/NAME@revision`. Sends no request. Raises SpecError."""
        endpoint = connection.endpoint or env.get("HF_ENDPOINT", "") or DEFAULT
        self._root = root
        self._repository = Repository.parsed(root, endpoint)
        hub, token = origin(endpoint), env.get(f"{connection.env_prefix}HF_TOKEN", "")

        def secret(server: Origin) -> Mapping[str, str]:
            return {"Authorization": f"Bearer {token}"} if token and server == hub else {}

        # The user set the endpoint, so it may be in a private network.
        allowed = limits.replace(
            private_servers=(*limits.private_servers, str(hub)), allowed_hosts=(*limits.allowed_hosts, *HOSTS)
        )
        super().__init__(str(hub), limits=allowed, env=env, patience=patience, turns=turns, secret=secret)

    @property
    def uri(self) -> str:
        return self._root

    def stat(self, key: str) -> Stat:
        data = urlencode({"paths": check_key(key), "expand": "false"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        found, _ = self._json("POST", self._repository.paths(self._commit), headers, data)
        for entry in found if isinstance(found, list) else ():
            if (stat := self._listed(entry)) and stat.key == key:
                return stat
        raise NotFound("no such file", where=f"{self._root}/{key}")

    def list(self, prefix: str = "", *, follow_links: bool = True, problems: bool = False) -> Iterator[Stat]:
        yield from sorted(self._stats_below(check_prefix(prefix), problems=problems), key=lambda stat: stat.key)

    def folders(self, prefix: str = "") -> Iterator[str]:
        below = {stat.key.removeprefix(prefix) for stat in self._stats_below(check_prefix(prefix), problems=False)}
        yield from sorted({name.partition("/")[0] for name in below if "/" in name})

    def _stats_below(self, prefix: str, *, problems: bool) -> Iterator[Stat]:
        first = self._repository.tree(self._commit, prefix.rpartition("/")[0])
        url: str | None = first
        while url:
            try:
                page, url = self._json("GET", url)
            except NotFound:
                if not prefix or url != first:
                    raise
                return  # a missing folder is empty
            if not isinstance(page, list):
                raise StoreError("the Hub's answer is not a list of files", where=self._root, hint="check HF_ENDPOINT")
            for entry in page:
                stat = self._listed(entry)
                if stat is None or not stat.key.startswith(prefix):
                    continue
                problem = key_problem(stat.key) if problems else ""
                bad = Problem(ItemReason.BAD_PATH, problem) if problem else None
                yield Stat(stat.key, stat.size, stat.etag, 0.0, stat.version, problem=bad)

    def _listed(self, entry: Any) -> Stat | None:
        """Return the attributes of an entry of a tree; None for a folder."""
        if not isinstance(entry, dict) or entry.get("type") != "file":
            return None
        lfs = entry.get("lfs") or {}
        path, size, content = entry.get("path"), entry.get("size"), lfs.get("oid") or entry.get("oid")
        if not isinstance(path, str) or not isinstance(size, int) or not isinstance(content, str):
            raise StoreError("the Hub's answer cannot be read", where=self._root, hint="check HF_ENDPOINT")
        return Stat(path, size, str(Validator(size, f'"{content}"')), 0.0, self._commit)

    @cached_property
    def _commit(self) -> str:
        """The commit of the revision."""
        try:
            found, _ = self._json("GET", self._repository.info())
        except NotFound as error:
            raise NotFound("no such data set or revision", where=self._root, hint=_ACCESS) from error
        commit = found.get("sha") if isinstance(found, dict) else None
        if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40,64}", commit):
            raise StoreError("the Hub's answer names no commit", where=self._root, hint="check HF_ENDPOINT")
        return commit

    def _json(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Any, str | None]:
        """Return (the response of the API, the address of its next page)."""
        attempts = Attempts(self._client.patience)
        while True:
            try:
                with self._client.ask(method, url, headers, body=body) as answer:
                    data = bytearray()
                    for chunk in answer.chunks(_CHUNK):
                        data += chunk
                        if len(data) > _MOST:
                            raise StoreError("the Hub's answer is too long", where=url, hint="check HF_ENDPOINT")
                    following = _NEXT.search(answer.headers.get("link", ""))
                return load_json(bytes(data), max_bytes=_MOST), self._same_hub(following[1]) if following else None
            except (HTTPError, OSError, JsonError) as error:
                problem = unanswered(error, url) or TransientError("the Hub's answer is not JSON", where=url)
                attempts.wait_or_raise(problem, error)

    def _same_hub(self, url: str) -> str:
        if str(origin(url)) != self._server:
            raise StoreError(
                f"the list of files continues at {origin(url)}", where=self._root, hint="check HF_ENDPOINT"
            )
        return url

    def _transfer(
        self, key: str, if_match: str, version: str, start: int | None = None, length: int | None = None
    ) -> Chunked:
        expected = self._validator(if_match)

        def at(commit: str) -> Transfer:
            url = self._repository.file(commit, check_key(key))
            return Transfer(self._client, url, expected, start, length, conditional=False, headers_of=_content_etag)

        if not version:
            return at(self._commit)
        return _Pinned(at(version), lambda: at(self._commit)) if expected else at(version)


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A file of a commit; if history was rewritten and the commit is missing, the same content of the present one."""

    listed: Transfer
    present: Callable[[], Transfer]

    def chunks(self) -> Iterator[bytes]:
        try:
            found = begun(self.listed.chunks())
        except NotFound as gone:
            try:
                found = begun(self.present().chunks())
            except StoreError:
                raise gone from None
        yield from found


def _content_etag(answer: Answer) -> Mapping[str, str]:
    """Return the id of the content from the response of the Hub, not from the host to which it redirects."""
    headers = answer.first_headers
    etag = headers.get("x-linked-etag") or headers.get("etag", "")
    content = etag.removeprefix("W/").strip('"')
    return {"etag": f'"{content}"'} if content else {}
