"""Requests by annotation: `reelmill.dev/retry: <token>;stages=a,b;classes=x,y`. A token is handled once.

`refresh` lists the sources again, `retry` retries failed items and clears stalls, `abandon` closes open passes without
finishing them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reelmill.contract.status import CLASSES, Handled
from reelmill.plan.jobs.build import GROUP

REFRESH, RETRY, ABANDON = (f"{GROUP}/{word}" for word in ("refresh", "retry", "abandon"))
_MAX_TOKEN = 128
_MAX_CLASS = 64


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Empty `stages` or `classes` mean all."""

    token: str
    stages: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def selects(self, stage: str) -> bool:
        return not self.stages or stage in self.stages


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests that have not been handled yet."""

    refresh: Request | None = None
    retry: Request | None = None
    abandon: Request | None = None
    handled: Handled = field(default_factory=Handled)
    """The tokens to record when these requests are handled."""

    @property
    def any(self) -> bool:
        return bool(self.refresh or self.retry or self.abandon)


def pending(annotations: Mapping[str, str], handled: Handled) -> Requests:
    """The requests in the annotations that have not been handled. Any other text is a request with it as its token."""
    refresh = _new_request(annotations.get(REFRESH), handled.refresh)
    retry = _new_request(annotations.get(RETRY), handled.retry)
    abandon = _new_request(annotations.get(ABANDON), handled.abandon)
    return Requests(
        refresh=refresh,
        retry=retry,
        abandon=abandon,
        handled=Handled(
            refresh=refresh.token if refresh else handled.refresh,
            retry=retry.token if retry else handled.retry,
            abandon=abandon.token if abandon else handled.abandon,
        ),
    )


def annotation(token: str, *, stages: tuple[str, ...] = (), classes: tuple[str, ...] = ()) -> str:
    """The annotation value of a request."""
    parts = [token]
    parts += [f"stages={','.join(stages)}"] if stages else []
    parts += [f"classes={','.join(classes)}"] if classes else []
    return ";".join(parts)


def _new_request(text: str | None, handled: str) -> Request | None:
    token, *fields = (text or "").split(";")
    token = token.strip()[:_MAX_TOKEN]
    if not token or token == handled:
        return None
    values = dict(field.strip().partition("=")[::2] for field in fields)
    return Request(
        token,
        _split_words(values.get("stages", "")),
        tuple(word[:_MAX_CLASS] for word in _split_words(values.get("classes", ""))[:CLASSES]),
    )


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
