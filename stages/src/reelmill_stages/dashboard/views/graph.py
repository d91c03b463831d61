"""The graph of sources and stages in layers: each is in the layer after the last of those that it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reelmill.contract.commands.dashboard import StageWork
from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.text.quantities import amount, count_of, time
from reelmill_stages.dashboard.views.models import PipelineSummary

WIDTH, HEIGHT = 184, 86
"""Size of a node in pixels."""
_GAP, _BESIDE = 44, 18
"""Distance between layers, and between nodes of a layer, in pixels."""
_MARGIN = 4
_LONGEST = 20
_STATES = {"current": "done", "empty": "waiting", "behind": "behind", "working": "working"}
_IN_CLUSTER = {
    "opening": "working", "running": "working", "committing": "working", "queued": "waiting", "waiting": "waiting",
    "shared": "waiting", "done": "done", "cached": "done", "stalled": "stalled",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """One source or stage. `share`: fraction of its inputs or shards that are done, 0 to 1."""

    name: str
    label: str
    type: str
    state: str
    caption: str
    detail: str
    share: float
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """A drawing, in pixels. Edges are SVG paths."""

    width: int
    height: int
    nodes: list[Node]
    edges: list[str]


def graph(view: PipelineSummary, *, downwards: bool) -> GraphDrawing:
    """Draw the graph from left to right, or from top to bottom."""
    names = list(view.reads)
    layers = _layers(names, view.reads)
    rows, work = {row.name: row for row in view.stages}, {each.stage: each for each in view.work}
    across, along = (WIDTH, HEIGHT) if downwards else (HEIGHT, WIDTH)
    widest = max((len(layer) for layer in layers), default=0)
    at: dict[str, tuple[int, int]] = {}
    for number, layer in enumerate(layers):
        free = (widest - len(layer)) * (across + _BESIDE) // 2
        for place, name in enumerate(layer):
            depth = _MARGIN + number * (along + _GAP)
            side = _MARGIN + free + place * (across + _BESIDE)
            at[name] = (side, depth) if downwards else (depth, side)
    nodes = [_node(name, rows.get(name), work.get(name), *at[name]) for name in names]
    edges = [
        _edge(at[upstream], at[name], downwards=downwards)
        for name in names
        for upstream in view.reads[name]
        if upstream in at
    ]
    long = 2 * _MARGIN + len(layers) * (along + _GAP) - _GAP
    wide = 2 * _MARGIN + widest * (across + _BESIDE) - _BESIDE
    return GraphDrawing(wide if downwards else long, long if downwards else wide, nodes, edges)


def _layers(names: Sequence[str], reads: Mapping[str, Sequence[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}
    for name in names:  # each after those that it reads
        depth[name] = max((depth[each] + 1 for each in reads[name] if each in depth), default=0)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    for above, layer in pairwise(layers):
        places = {name: number for number, name in enumerate(above)}
        layer.sort(key=lambda name: min((places[each] for each in reads[name] if each in places), default=0))
    return layers


def _node(name: str, row: StatusRow | None, work: StageWork | None, x: int, y: int) -> Node:
    label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    state, share = state_of(row, work), 0.0
    caption, detail = "nothing yet", ""
    if row is not None:
        if row.kind == "source":
            caption, share = f"{count_of(row.items, 'item')}", 1.0 if row.segments else 0.0
        elif row.in_:
            caption, share = f"{amount(row.done)} of {amount(row.in_)} kept", row.done / row.in_
        losses = [
            f"{amount(count)} {word}" for word, count in (("filtered", row.filtered), ("failed", row.failed)) if count
        ]
        detail = ", ".join(losses)
    shards = progress(row, work)
    if shards is not None and shards[1]:
        done, total = shards
        caption, share = f"{amount(done)} of {count_of(total, 'shard')}", done / total
        left = work.seconds_left if work else None
        detail = f"{time(left)} left" if left is not None else detail
    return Node(name, label, row.type if row else "", state, caption, detail, share, x, y)


def state_of(row: StatusRow | None, work: StageWork | None) -> str:
    """Return `waiting`, `working`, `behind`, `done` or `stalled`."""
    if work is not None and work.state in _IN_CLUSTER:
        return _IN_CLUSTER[work.state]
    return _STATES[row.state] if row is not None else "waiting"


def progress(row: StatusRow | None, work: StageWork | None) -> tuple[int, int] | None:
    """Return (committed, all) shards of the open pass; None if none is open."""
    if work is not None and work.step:
        return work.done, work.shards
    return (row.pass_.committed, row.pass_.shards) if row is not None and row.pass_ else None


def _edge(start: tuple[int, int], end: tuple[int, int], *, downwards: bool) -> str:
    if downwards:
        x1, y1, x2, y2 = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1]
        middle = (y1 + y2) // 2
        return f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
