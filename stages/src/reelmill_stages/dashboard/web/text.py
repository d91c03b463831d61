"""Functions with which templates show values. Every text of a store is untrusted: it is escaped and shown literally."""

import hashlib
import re
import time as clock
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reelmill.contract.text.quantities import amount, size, time
from reelmill.contract.text.terminal import json_text, printable

CUT = 400
"""Maximum number of characters of a text in a list; the page of an item shows up to `WHOLE`."""
WHOLE = 200_000

_CODE = re.compile(r"`([^`\n]+)`")


def shown(text: Any, most: int = CUT) -> str:
    """Return the text with control and directional characters as escapes, cut."""
    whole = str(text)
    visible = printable(whole[:most], keep="\n\t")
    return visible + "…" if len(whole) > most else visible


def sentences(text: Any, most: int = CUT) -> Markup:
    """Return a text as `shown`, as HTML: escaped, with what is between backticks as code."""
    escaped = str(escape(shown(text, most)))
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704 - escaped above


def number(value: Any) -> str:
    """Return a number with at most six digits; other values as `shown`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return amount(value) if abs(value) < 10**15 else str(value)
    return f"{value:.6g}" if isinstance(value, float) else shown(value, 80)


def ago(moment: float | None) -> str:
    """Return a time span such as `5m 20s ago`."""
    return f"{time(max(0.0, clock.time() - moment))} ago" if moment else "never"


def moment_text(moment: float | None) -> str:
    """Return RFC 3339 text; empty for an unrepresentable time, which a file of unknown origin may have."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
    except (OverflowError, ValueError, OSError):
        return ""


def link(*parts: Any, **query: Any) -> str:
    """Return `/a/b?x=1`, quoted; an empty part is `-`. Names are repeated for lists; empty values are left out."""
    path = "/".join(quote(str(part) or "-", safe="@") for part in parts)
    given = [(name.rstrip("_"), value) for name, value in query.items() if value not in ("", None, [], ())]
    return f"/{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")


def templates(root_path: str) -> Environment:
    """Return the templates. `root_path` is put before every URL path."""
    env = Environment(
        loader=PackageLoader("reelmill_stages.dashboard.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "shown": shown, "sentences": sentences, "number": number, "amount": amount, "size": size, "time": time,
        "ago": ago, "moment": moment_text, "as_json": lambda value: json_text(value, indent=2, default=str)[:WHOLE],
        "quote": lambda value: quote(str(value), safe=""),
    }  # fmt: skip
    env.globals |= {
        "link": lambda *parts, **query: root_path + link(*parts, **query),
        "home": lambda **query: f"{root_path}/{link(**query)[1:]}",
        "static": lambda name: f"{root_path}/static/{name}?v={_version(name)}",
        "whole": WHOLE,
    }
    return env


def _version(name: str) -> str:
    data = files("reelmill_stages.dashboard.web").joinpath("static", name).read_bytes()
    return hashlib.sha256(data).hexdigest()[:12]
