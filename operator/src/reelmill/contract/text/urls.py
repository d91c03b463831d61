"""Detection of credentials in URLs, and their removal from messages.

A URL may contain a user name and password before its host, and a signature or token in its query:
`http://user:pass@host`, `https://host/object?X-Amz-Signature=…`. Neither may be in a message, a ledger or a record.
"""

import re

_AUTHORITY = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^/?#]*@", re.IGNORECASE)
# In running text, quotes end a URL; in a separate URL, they may be part of a password.
_USER = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^\s/?#'\"<>\\]*@", re.IGNORECASE)
# Also matches URLs without a query, so that no character is scanned again for each scheme before it.
_QUERY = re.compile(r"((?:https?|ftps?|wss?)://[^\s?#'\"<>\\]*+)([?#][^\s'\"<>\\]*+)?", re.IGNORECASE)
# Messages of HTTP clients may contain only the path: `Max retries exceeded with url: /bucket/key?X-Amz-Signature=…`.
_SIGNED = re.compile(
    r"([?&](?:x-(?:amz|goog)-[\w-]+|awsaccesskeyid|signature|sig|token|access_token|api_?key|key|secret|password)=)"
    r"[^\s&'\"<>\\]+",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text without the user info of URLs, and with `…` for the query of web addresses and for signed parameters."""
    if "://" in text:
        text = _QUERY.sub(lambda found: f"{found[1]}?…" if found[2] else found[1], _USER.sub(r"\1", text))
    return _SIGNED.sub(r"\1…", text) if "=" in text else text


def has_user_info(uri: str) -> bool:
    """Whether a URI contains a name or password before its host."""
    return _AUTHORITY.match(uri) is not None


def without_user_info(uri: str) -> str:
    """Return a URI without the name and password before its host."""
    return _AUTHORITY.sub(r"\1", uri, count=1)


def is_signed(uri: str) -> bool:
    """Whether a URL contains a signature, key or token in its query."""
    return _SIGNED.search(uri) is not None


def has_query(uri: str) -> bool:
    """Whether a web URL has a query or a fragment."""
    found = _QUERY.match(uri)
    return found is not None and found[2] is not None
