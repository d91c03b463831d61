"""A client of an API server for tests, with plain HTTP and dicts: apply, get, patch, delete, wait.

It has no retries and no cache, so tests see the actual responses of the server.
"""

import http.client
import json
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import yaml

from cluster import kubeconfig

Object = dict[str, Any]
T = TypeVar("T")
APPLY, MERGE, JSON = "application/apply-patch+yaml", "application/merge-patch+json", "application/json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PATIENCE = 4
"""Factor by which timeouts exceed those of an idle machine; successful waits are not affected."""


class ApiError(Exception):
    """The server rejected a request: `code`, `reason` (a word) and the message, as shown by kubectl."""

    def __init__(self, code: int, body: bytes) -> None:
        try:
            said = json.loads(body)
        except ValueError:
            said = {"message": body.decode(errors="replace")[:2000]}
        self.code, self.reason, self.message = code, said.get("reason", ""), said.get("message", "")
        super().__init__(f"{code} {self.reason}: {self.message}")


class Client:
    """A connection of one user to one API server. `user` and `groups` impersonate."""

    def __init__(self, config: Path, user: str = "", groups: tuple[str, ...] = ()) -> None:
        self.config = config
        self.access = kubeconfig.read(config)
        self.headers = {"Impersonate-User": user} if user else {}
        self.groups = groups
        self._tls = ssl.create_default_context(cadata=self.access.ca or None)
        if self.access.certificate:
            with tempfile.NamedTemporaryFile("w") as both:
                both.write(self.access.certificate + self.access.key)
                both.flush()
                self._tls.load_cert_chain(both.name)
        self._local = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def __del__(self) -> None:
        for connection in getattr(self, "_opened", ()):
            connection.close()

    def as_user(self, user: str, *groups: str) -> "Client":
        """The same server as somebody else, by impersonation."""
        return Client(self.config, user, groups)

    def as_account(self, namespace: str, name: str) -> "Client":
        """The same server as a service account of the cluster."""
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return self.as_user(f"system:serviceaccount:{namespace}:{name}", *groups)

    # -- objects

    def apply(self, given: Any, namespace: str = "", *, manager: str = "tests") -> list[Object]:
        """Server-side apply of a path, a YAML text, a dict or a list of them; returns the server's objects."""
        return [
            self.json("PATCH", self._path_of(each, namespace) + f"?fieldManager={manager}&force=true", each, APPLY)
            for each in documents(given)
        ]

    def create(self, document: Object, namespace: str = "", *, dry_run: bool = False) -> Object:
        """Create an object by POST, with field validation as in kubectl."""
        path = self._path_of(document, namespace).rsplit("/", 1)[0]
        return self.json(
            "POST", f"{path}?fieldValidation=Strict{'&dryRun=All' if dry_run else ''}", document
        )  # fmt: skip

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """One object. `kind` as in `Job` or `batch/v1/Job`. Raises ApiError."""
        return self.json("GET", self.path(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object, or None if it does not exist."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind: str, namespace: str = "", labels: str = "") -> list[Object]:
        """Objects, in all namespaces if none is given; `labels` is a selector."""
        query = f"?{urlencode({'labelSelector': labels})}" if labels else ""
        items: list[Object] = self.json("GET", self.path(kind, namespace) + query)["items"]
        return items

    def patch(
        self, kind: str, name: str, patch: Object, namespace: str = "", *, part: str = "", how: str = MERGE
    ) -> Object:
        """Patch an object or a subresource of it (`part`, as in `status`)."""
        return self.json("PATCH", self.path(kind, namespace, name, part), patch, how)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, seconds: float = 60, grace: int | None = None
    ) -> None:
        """Delete an object, with dependents in the background, and wait until it is deleted."""
        options: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self.json("DELETE", self.path(kind, namespace, name), options)
        except ApiError as error:
            if error.code != 404:
                raise
        self.wait(lambda: self.find(kind, name, namespace) is None, seconds, f"{kind} {name} to be gone")

    def logs(self, pod: str, namespace: str, container: str = "") -> str:
        """Log of a container, from the kubelet."""
        query = f"?{urlencode({'container': container})}" if container else ""
        return self.raw("GET", self.path("Pod", namespace, pod, "log") + query).decode()

    @contextmanager
    def namespace(self, prefix: str = "t", labels: dict[str, str] | None = None) -> Iterator[str]:
        """A new namespace, which is deleted after the block."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        # Pods are rejected until the namespace has its default service account.
        self.wait(lambda: self.find("ServiceAccount", "default", name), 60, f"the service account of {name}")
        try:
            yield name
        finally:
            self.json("DELETE", self.path("Namespace", "", name))

    def wait(self, look: Callable[[], T | None], seconds: float, what: str, every: float = 0.1) -> T:
        """Call `look` until it returns a true value, and return it. `seconds` is the timeout on an idle machine.

        Raises TimeoutError, with the last value.
        """
        end, seen = time.monotonic() + PATIENCE * seconds, None
        while time.monotonic() < end:
            if seen := look():
                return seen
            time.sleep(every)
        raise TimeoutError(f"waited {seconds:g} s for {what}; last seen: {seen!r}")

    def wait_for(
        self, kind: str, name: str, namespace: str, holds: Callable[[Object], Any], seconds: float = 60, what: str = ""
    ) -> Object:
        """Wait until an object exists and a predicate holds for it. Raises TimeoutError with the object's status."""
        last: Object | None = None

        def look() -> Object | None:
            nonlocal last
            last = self.find(kind, name, namespace)
            return last if last is not None and holds(last) else None

        try:
            return self.wait(look, seconds, what or f"{kind} {name}")
        except TimeoutError:
            status = json.dumps((last or {}).get("status"), indent=1)[:4000]
            raise TimeoutError(f"{kind} {name} after {seconds:g} s{f' ({what})' if what else ''}: {status}") from None

    # -- HTTP

    def json(self, method: str, path: str, body: Any = None, content: str = JSON) -> Object:
        """Send a request with a JSON response. Raises ApiError."""
        answer: Object = json.loads(self.raw(method, path, body, content))
        return answer

    def raw(self, method: str, path: str, body: Any = None, content: str = JSON, accept: str = "*/*") -> bytes:
        """Send a request on this thread's connection; a connection closed by the server is reopened once."""
        data = json.dumps(body) if body is not None else None
        for last in (False, True):
            connection, used = self._connection()
            try:
                connection.putrequest(method, path)
                headers = {"Accept": accept, "Content-Type": content, **self.headers}
                if self.access.token:
                    headers["Authorization"] = f"Bearer {self.access.token}"
                for name, value in headers.items():
                    connection.putheader(name, value)
                for group in self.groups:
                    connection.putheader("Impersonate-Group", group)
                if data is not None:
                    connection.putheader("Content-Length", str(len(data.encode())))
                connection.endheaders(data.encode() if data is not None else None)
                answer = connection.getresponse()
                said = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._local.connection = None
                if last or not used:
                    raise OSError(f"{method} {path}: {error}") from error
        if answer.status >= 400:
            raise ApiError(answer.status, said)
        return said

    def _connection(self) -> tuple[http.client.HTTPSConnection, bool]:
        """A connection, and whether it was used before."""
        if found := getattr(self._local, "connection", None):
            return found, True
        parts = urlsplit(self.access.server)
        made = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=60, context=self._tls)
        self._local.connection = made
        self._opened.append(made)
        return made, False

    # -- paths

    def path(self, kind: str, namespace: str = "", name: str = "", part: str = "") -> str:
        """URL path of a kind's collection, object or subresource."""
        version, _, word = kind.rpartition("/")
        plural, namespaced = self._plural(version, word)
        group = version or next(known for known, other in self._kinds if other == word)
        root = f"/apis/{group}" if "/" in group else f"/api/{group}"
        inside = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return root + inside + "".join(f"/{quote(each)}" for each in (plural, name, part) if each)

    def _path_of(self, document: Object, namespace: str) -> str:
        metadata = document["metadata"]
        kind = f"{document['apiVersion']}/{document['kind']}"
        space = metadata.get("namespace") or namespace or "default"
        return self.path(kind, space, metadata["name"])

    def _plural(self, version: str, kind: str) -> tuple[str, bool]:
        # A definition that was just applied is not served immediately.
        end = time.monotonic() + 60
        while True:
            for (known, word), found in self._kinds.items():
                if word == kind and version in ("", known):
                    return found
            if time.monotonic() > end:
                raise LookupError(f"the API server knows no {version}/{kind}")
            if self._kinds:
                time.sleep(0.1)
            self._discover()

    def _discover(self) -> None:
        for root in ("/api", "/apis"):
            for group in json.loads(self.raw("GET", root, accept=DISCOVERY))["items"]:
                for version in group["versions"]:
                    name = "/".join(filter(None, (group["metadata"].get("name", ""), version["version"])))
                    for resource in version.get("resources", ()):
                        kind = resource.get("responseKind", {}).get("kind", "")
                        self._kinds.setdefault(
                            (name, kind), (resource["resource"], resource["scope"] == "Namespaced")
                        )  # fmt: skip


def documents(given: Any) -> list[Object]:
    """Documents of a path, a YAML text, a dict or a list of them."""
    if isinstance(given, Path):
        given = given.read_text()
    if isinstance(given, str):
        return [document for document in yaml.safe_load_all(given) if document]
    return [given] if isinstance(given, dict) else [each for part in given for each in documents(part)]
