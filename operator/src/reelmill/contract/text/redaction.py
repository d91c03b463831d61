"""Removal of credentials from documents and texts that are shared: cards, reports, pages, support bundles.

Some values are always removed because of their field: those of `env`, of annotations of other tools, of parameters of
the user's code, and of fields named like a password. The rest is searched for values known to be secret, for
credentials in URLs, and for text with the form of a credential.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_letters, digits
from typing import Any

from reelmill.contract.text.urls import without_secrets

OURS = "reelmill.dev/"
"""Prefix of reelmill's annotations."""
REMOVED = "[removed]"
SHORTEST = 6
"""Minimum length of a value to search for; shorter ones, such as `1` or `true`, would be found everywhere."""
_WORDS = (
    r"pass(?:word|wd|phrase)|secret|token(?!iz)|credentials?|authorization|signature|connection_?string"
    r"|(?:api|access|secret|private|account|storage|session)_?key(?:_?id)?|sas"
)
_NAME = re.compile(rf"(?:^|_)(?:{_WORDS})$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ASSIGNED = re.compile(
    rf"((?:{_WORDS.replace('_?', '[_-]?')})(?![_-]?env\b)\w{{0,20}}[\"'\\]{{0,4}}\s{{0,3}}[=:]\s{{0,3}}[\"'\\]{{0,4}})"
    r"(?!\d+(?:\.\d+)?[.:]?(?:[\s\"'\\&,;<>()\[\]{}]|\Z))(?:(?:bearer|basic|aws4-hmac-sha256)\s{1,3})?[^\s\"'\\&,;<>()\[\]{}]{3,}",
    re.IGNORECASE,
)
_FORMS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bsk-[\w-]{8,}|\bgh[pousr]_\w{20,}|\bhf_\w{20,}"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?"
    r"|(?<=bearer )[\w.~+/=-]{8,}|(?<=basic )[\w+/=-]{8,}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!-)){0,8000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    re.IGNORECASE,
)
_FREE = {"params": ("run", "entrypoint"), "extra": ("caption", "model")}
"""Fields that may contain anything, their block, and a field that only this block has: parameters of a `run` stage, and
the extra fields that `caption` sends to a server."""
_UNRESERVED = frozenset(ascii_letters + digits + "-._~")
_USER = re.compile(r"://([^\s/?#'\"<>\\@:]{0,200}(?::(?!\d{1,5}/)[^\s'\"<>\\@]{0,200})?)@")
"""Name and password in a URL; the password may contain a `/`, such as an unescaped S3 key."""


def is_secret(name: str) -> bool:
    """Whether a field or variable with this name is a credential: `AWS_SECRET_ACCESS_KEY`, `apiToken`, `password`."""
    return _NAME.search(_CAMEL.sub("_", name).lower().replace("-", "_").replace(".", "_")) is not None


class Redactor:
    """Removes the values in `known`, and everything that looks like a credential."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add_secrets(known)

    def add_secrets(self, known: Iterable[str]) -> None:
        """Values that are secret anywhere, including quoted for URLs or encoded as base64."""
        for value in known:
            if len(value) >= SHORTEST:
                encoded = b64encode(_bytes(value)).decode().rstrip("=")
                self._known |= {value, _percent_encoded(value), encoded, json.dumps(value)[1:-1]}
        forms = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def text(self, text: str) -> str:
        """Replace credentials in a text with `[removed]`."""
        if self._pattern:
            text = self._pattern.sub(REMOVED, text)
        if "://" in text:
            text = _USER.sub("://", text)
        return _FORMS.sub(REMOVED, _ASSIGNED.sub(rf"\1{REMOVED}", without_secrets(text)))

    def tree(self, value: Any, field: str = "") -> Any:
        """Redact a document of JSON values; `field` is its name in the document that contains it."""
        if isinstance(value, Mapping):
            free = {name for name, (block, sibling) in _FREE.items() if field == block or sibling in value}
            return {
                self.text(str(name)): masked(each)
                if name in free
                else self._redacted_member(value, field, str(name), each)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.tree(each, field) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def line(self, line: str) -> str:
        """Redact a log line, which is a JSON object or text."""
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return self.text(line)
        return json.dumps(self.tree(record), ensure_ascii=False) if isinstance(record, dict) else self.text(line)

    def _redacted_member(self, siblings: Mapping[Any, Any], field: str, name: str, value: Any) -> Any:
        if name == "managedFields":
            return REMOVED
        of_secret = name == "key" and "secretRef" in siblings  # the name of a key in a Secret
        if field == "env" and name not in ("name", "valueFrom", "secretRef", "configMapRef") and not of_secret:
            return masked(value)
        if field == "annotations" and not name.startswith(OURS):
            return REMOVED
        if is_secret(name) and value is not None and not isinstance(value, bool):
            return masked(value) if isinstance(value, Mapping | list | tuple) else REMOVED
        return self.tree(value, name)


_REDACTOR = Redactor()


def redacted(document: Any) -> Any:
    """Redact a document: values that are secret because of their field, name or form."""
    return _REDACTOR.tree(document)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # environment variables may contain invalid UTF-8


def _percent_encoded(text: str) -> str:
    """Quote a value as in a URL (RFC 3986, 2.3)."""
    return "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in _bytes(text))


def masked(value: Any) -> Any:
    """Remove all texts from a document, because parameters of the user's code may contain anything."""
    if isinstance(value, Mapping):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return REMOVED if isinstance(value, str) else value


def secrets_of(document: Any, field: str = "") -> Iterator[str]:
    """Values in a document that are secret: those of `env`, of fields with such names, and credentials in URLs."""
    if isinstance(document, Mapping):
        for name, each in document.items():
            if isinstance(each, str) and (is_secret(str(name)) or (field == "env" and name == "value")):
                yield each
            else:
                yield from secrets_of(each, str(name))
    elif isinstance(document, list | tuple):
        for each in document:
            yield from secrets_of(each, field)
    elif isinstance(document, str):
        for user in _USER.findall(document):
            yield from user.split(":", 1)


def secret_variables(environment: Mapping[str, str]) -> list[str]:
    """Values of environment variables that are named like credentials, and credentials in URLs in others."""
    named = [value for name, value in environment.items() if is_secret(name)]
    return [*named, *secrets_of([value for value in environment.values() if "://" in value])]
