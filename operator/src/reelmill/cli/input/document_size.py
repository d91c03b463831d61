"""Limits on YAML documents, checked on the parser's events before any object is built.

A few aliases can expand to millions of nodes, and a kilobyte of brackets exceeds any recursion limit. Each event is
visited once, so the time is linear in the length of the text.
"""

from dataclasses import dataclass
from typing import Any

import yaml

CHARACTERS = 1 << 20
"""Maximum length of a document; the API server takes objects of at most 1.5 MiB."""
NODES = 100_000
"""Maximum number of values, including those that aliases expand to."""
DEPTH = 64
"""Maximum nesting depth of lists and mappings, including those that aliases expand to."""


class RefusedDocument(yaml.MarkedYAMLError):
    """The text is YAML, but exceeds a limit."""

    def __init__(self, problem: str, mark: Any = None) -> None:
        super().__init__(problem=problem, problem_mark=mark)


@dataclass(slots=True)
class _Size:
    """The size of a node including its descendants."""

    nodes: int = 1
    depth: int = 1

    def add(self, inner: "_Size") -> None:
        self.nodes += inner.nodes
        self.depth = max(self.depth, inner.depth + 1)


def check_size(text: str, loader: type[yaml.SafeLoader]) -> None:
    """Raises RefusedDocument, with the line, if a document is too large, and YAMLError if it is not YAML."""
    if len(text) > CHARACTERS:
        raise RefusedDocument(f"the file is longer than {CHARACTERS} characters")
    measured: dict[str, _Size] = {}
    """Sizes of complete nodes that aliases can refer to."""
    open_: list[tuple[str | None, _Size]] = []
    total = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, _Size()))
            size = None
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
            _store_anchor(measured, anchor, size)
        elif isinstance(event, yaml.ScalarEvent):
            size = _Size()
            _store_anchor(measured, event.anchor, size)
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise RefusedDocument(f"the alias *{event.anchor} refers to a value that contains it", event.start_mark)
            size = measured.get(event.anchor or "")
        else:
            continue
        total += isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if size and open_:
            open_[-1][1].add(size)
        nodes = max(total, size.nodes if size else 0, open_[-1][1].nodes if open_ else 0)
        if nodes > NODES:
            raise RefusedDocument(
                f"more than {NODES} values{', through aliases' if total <= NODES else ''}", event.start_mark
            )
        if len(open_) + (size.depth - 1 if size else 0) > DEPTH:
            raise RefusedDocument(f"nested deeper than {DEPTH} levels", event.start_mark)


def _store_anchor(measured: dict[str, _Size], anchor: str | None, size: _Size) -> None:
    if anchor is not None:
        measured[anchor] = size
