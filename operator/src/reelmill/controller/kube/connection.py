"""A connection to the API server: raw JSON in and out, typed errors. Only this module imports the Kubernetes client.

Objects are dicts rather than the client's models, which take fifty times as long to parse and drop unknown fields.
"""

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException

from reelmill.contract.errors import SpecError
from reelmill.controller.kube.api_errors import NoAnswer, response_error

TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
STREAM_TIMEOUT = aiohttp.ClientTimeout(sock_connect=10)
"""No read timeout, because a followed log may have no output for hours."""
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_HINT = "give a kubeconfig and one of its contexts with --kubeconfig and --context"

Json = dict[str, Any]
Observer = Callable[[str, int, float], None]
"""Called after every request with its method, status (0: no response) and duration in seconds."""


class ApiTransport(Protocol):
    """The interface to the API server, which tests wrap to inject faults."""

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Json:
        """Send a request; returns the object in the response. A PATCH is a JSON merge patch.

        Raises the exceptions of `response_error`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """How to connect to the API server: with a kubeconfig, or with the pod's service account."""

    kubeconfig: str = ""
    context: str = ""
    in_cluster: bool = False


@dataclass(frozen=True, slots=True)
class KubeContext:
    """A context of a kubeconfig."""

    name: str
    namespace: str = ""
    """The namespace of the context; empty: none."""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """Server and credentials, for a client of another library."""

    server: str
    ca_file: str | None
    token: str | None
    certificate_file: str | None
    key_file: str | None
    username: str | None
    password: str | None
    insecure: bool


class ApiConnection:
    """A connection to an API server."""

    def __init__(
        self, configuration: client.Configuration, observer: Observer | None = None, *, agent: str = "reelmill-operator"
    ) -> None:
        self._api = client.ApiClient(configuration)
        self._api.user_agent = agent
        self._observer = observer

    @property
    def server(self) -> str:
        """URL of the API server."""
        host: str = self._api.configuration.host
        return host

    async def close(self) -> None:
        await self._api.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | list[Json] | None = None,
        patch: str = MERGE_PATCH,
    ) -> Json:
        """Send a request; returns the object in the response. `patch` is the content type of a PATCH.

        Raises the exceptions of `response_error`.
        """
        began, status = time.monotonic(), 0
        try:
            answer = await self._send(method, path, query or {}, body, patch)
            status, headers, text = answer.status, answer.headers, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(f"{method} {path}: {type(error).__name__} {error}".strip()) from error
        finally:
            if self._observer:
                self._observer(method, status, time.monotonic() - began)
        if status >= 400:
            raise response_error(status, _error_message(text), headers)
        try:
            found: Json = json.loads(text)
        except ValueError as error:
            raise NoAnswer(f"{method} {path}: the response is not JSON") from error
        return found

    async def lines(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncGenerator[str, None]:
        """Stream the lines of a response without a time limit. Raises the exceptions of `response_error`."""
        answer = None
        try:
            answer = await self._send("GET", path, query or {}, None, timeout=STREAM_TIMEOUT)
            if answer.status >= 400:
                raise response_error(answer.status, _error_message(await answer.read()), answer.headers)
            rest = b""
            async for part in answer.response.content.iter_any():
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace")
            if rest:
                yield rest.decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(f"GET {path}: {type(error).__name__} {error}".strip()) from error
        finally:
            if answer:
                answer.response.close()

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Json | list[Json] | None,
        patch: str = MERGE_PATCH,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> Any:
        headers = {"Accept": "application/json", **self._api.default_headers}
        if body is not None:
            headers["Content-Type"] = patch if method == "PATCH" else "application/json"
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        return await self._api.call_api(method, url, header_params=headers, body=body, _request_timeout=timeout)


async def connect(
    access: Access, observer: Observer | None = None, *, agent: str = "reelmill-operator"
) -> ApiConnection:
    """Open a connection. Raises SpecError if there is no usable configuration."""
    return ApiConnection(await _configuration(access), observer, agent=agent)


def contexts(access: Access) -> list[KubeContext]:
    """The contexts of a kubeconfig; empty if the file does not exist. Raises SpecError for an invalid file."""
    paths = access.kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    if not any(Path(path).expanduser().exists() for path in paths.split(":") if path):
        return []
    try:
        merged = kube_config.KubeConfigMerger(paths).config.value
        return [
            KubeContext(
                each["name"], each["context"].get("namespace") or "", each["name"] == merged.get("current-context")
            )
            for each in (node.value for node in merged["contexts"])
        ]
    except Exception as error:
        # The client raises various errors for a file that is not a kubeconfig.
        raise SpecError("not a kubeconfig", where=paths, hint=_HINT) from error


async def credentials(access: Access) -> Credentials:
    """The current credentials; tokens may change over time. Raises SpecError like `connect`."""
    found = await _configuration(access)
    key = found.api_key.get("BearerToken") or found.api_key.get("authorization") or ""
    return Credentials(
        server=found.host,
        ca_file=found.ssl_ca_cert,
        token=key.split(" ", 1)[-1] or None,
        certificate_file=found.cert_file,
        key_file=found.key_file,
        username=found.username or None,
        password=found.password or None,
        insecure=not found.verify_ssl,
    )


async def _configuration(access: Access) -> client.Configuration:
    found = client.Configuration()
    if access.kubeconfig and not Path(access.kubeconfig).is_file():
        raise SpecError("the kubeconfig does not exist", where=access.kubeconfig, hint=_HINT)
    try:
        if access.in_cluster:
            config.load_incluster_config(client_configuration=found)
        else:
            await config.load_kube_config(
                config_file=access.kubeconfig or None, context=access.context or None, client_configuration=found
            )
    except (ConfigException, OSError) as error:
        where = "the pod's service account" if access.in_cluster else access.kubeconfig or "the default kubeconfig"
        problem = SpecError(f"no access to a cluster: {error}", where=where, hint=_HINT)
        raise problem from error
    # aiohttp would look up the proxy, and passwords in ~/.netrc, in threads before every request.
    found.proxy = found.proxy or _proxy(found.host)
    found.client_session_kwargs = {"trust_env": False}
    return found


def _proxy(server: str) -> str | None:
    """The proxy for a server from the environment (`HTTPS_PROXY`, `NO_PROXY`, …), or None."""
    where = urlsplit(server)
    return None if proxy_bypass(where.hostname or "") else getproxies().get(where.scheme)


def _error_message(text: bytes) -> str:
    """The message of a Status, or the beginning of any other response."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200].decode(errors="replace")
