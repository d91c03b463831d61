"""Everything that a person can be shown by the page: it is followed from link to link, with the API beside."""

import re
from collections import Counter, deque
from urllib.parse import urljoin, urlsplit

from starlette.testclient import TestClient

from dashboard.markup import Markup

PLACE = re.compile(
    r"/pipelines/(?P<namespace>[^/?]+)/(?P<name>[^/?]+)(?:/stages/(?P<stage>[^/?]+)(?:/items/(?P<ordinal>\d+))?)?"
)
SHARES = 12
"""Addresses of one path that differ in their queries only."""


def crawled(client: TestClient) -> dict[str, str]:
    """Address -> status, headers and body of all that links lead to, of fragments, and of the whole API."""
    found: dict[str, str] = {}
    paths: Counter[str] = Counter()
    templates = client.get("/api/openapi.json").json()["paths"]
    waiting = deque(["/", "/api/openapi.json", "/api/v1/pipelines"])
    while waiting:
        address = waiting.popleft()
        path = urlsplit(address).path
        if address in found or paths[path] >= SHARES:
            continue
        paths[path] += 1
        answer = client.get(address)
        body = answer.content.decode(errors="replace")
        found[address] = f"{answer.status_code} {dict(answer.headers)} {body}"
        if "text/html" in answer.headers.get("content-type", ""):
            links = [urljoin(address, each) for each in Markup(body).links()]
            waiting += [each for each in links if not urlsplit(each).netloc and each.startswith("/")]
        if place := PLACE.match(path):
            known = {name: value for name, value in place.groupdict().items() if value}
            waiting += [each.format(**known) for each in templates if set(re.findall(r"{(\w+)}", each)) <= set(known)]
    return found
