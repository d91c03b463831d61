"""The items, inputs and files of a data set that contain data of forgotten items, by the lineage of its parts.

A file may also hold other items. It is deleted, so its other inputs are *withdrawn*: they are processed again. Their
other items are deleted too, since processing makes all of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reelmill.contract.errors import SpecError
from reelmill.contract.ranges import format_ranges
from reelmill.contract.records.forgotten import AffectedDataSet, AffectedPart, is_forgotten
from reelmill.contract.records.rows import Item, LedgerRow, Outcome
from reelmill.contract.records.segment import Object
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.lineage.part_lineage import PartLineage
from reelmill_stages.records.lineage.ways import affected_parts, upstream_of
from reelmill_stages.runtime.forget.search.copies import copies_of
from reelmill_stages.runtime.forget.source_place import objects_of
from reelmill_stages.runtime.forget.tombstones import subject


@dataclass(slots=True)
class Affected:
    """What is affected in one data set."""

    parts: list[AffectedPart] = field(default_factory=list)
    files: dict[str, Object] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    """Keys of items that contain data of forgotten ones themselves, and of such inputs."""
    ordinals: set[int] = field(default_factory=set)
    """Ordinals of affected items."""
    tainted: set[int] = field(default_factory=set)
    """Ordinals of affected items that contain data of forgotten ones themselves."""
    objects: dict[str, set[str]] = field(default_factory=dict)
    """For items of a source: key -> digests of the URIs of its source objects."""

    def add_rows(self, found: "Rows") -> None:
        """Add the affected rows of a part."""
        self.parts.append(
            AffectedPart(
                segment=found.segment,
                shard=found.shard,
                items=format_ranges(item.ordinal for item in found.items),
                inputs=format_ranges(found.inputs),
                withdrawn=format_ranges({*found.withdrawn, *found.copies}),
                copies=format_ranges(found.copies),
                made={row: format_ranges(ordinals) for row, ordinals in found.made.items()},
            )
        )
        for item in found.items:
            self.files.update(
                {each.key: Object(key=each.key, size=each.size, digest=each.digest) for each in item.outputs}
            )
        self.keys.update(
            dict.fromkeys([*(item.key for item in found.items), *(row.key for row in found.inputs.values())])
        )
        self.names.update(dict.fromkeys(found.names))
        self.ordinals |= {item.ordinal for item in found.items}
        self.tainted |= found.tainted

    def record(self, data: DataSet, upstreams: Mapping[str, str]) -> AffectedDataSet:
        """The data set as recorded in the plan."""
        summary = data.record()
        return AffectedDataSet(
            name=data.name,
            key=data.names.key,
            segment=data.last.segment if data.last else 0,
            upstreams=dict(upstreams),
            parts=tuple(self.parts),
            files=tuple(self.files.values()),
            views=summary.views if summary else (),
            keys=tuple(self.keys),
            names=tuple(self.names),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The affected rows of one part."""

    segment: int
    shard: int
    items: Sequence[Item]
    inputs: Mapping[int, LedgerRow]
    """Rows of the ledger that become anonymous."""
    withdrawn: Sequence[int] = ()
    copies: Collection[int] = ()
    """Rows of inputs that the stage dropped as copies of forgotten ones."""
    made: Mapping[int, Collection[int]] = field(default_factory=dict)
    names: Sequence[str]
    tainted: frozenset[int]


def of_source(data: DataSet, keys: Collection[str], objects: Mapping[str, Collection[str]] | None = None) -> Affected:
    """The items and failed rows of a source with these keys.

    With `objects`, the source is at another location: only items with one of the source objects of
    their key are included.
    """
    found = Affected()
    for segment in data.segments():
        for number, part in enumerate(segment.parts):
            items = [
                item
                for item in data.part_items(part)
                if item.key in keys
                and (objects is None or not set(objects_of(data.name, item)).isdisjoint(objects.get(item.key, ())))
            ]
            of = keys if objects is None else {item.key for item in items}
            rows = {
                place: row
                for place, row in enumerate(data.part_ledger(part))
                if row.key in of or (objects is None and subject(row.key) in keys)
            }
            for item in items:
                found.objects.setdefault(item.key, set()).update(objects_of(data.name, item))
            if items or rows:
                names = [*(item.key for item in items), *(row.key for row in rows.values())]
                tainted = frozenset(item.ordinal for item in items)
                found.add_rows(
                    Rows(segment=segment.segment, shard=number, items=items, inputs=rows, names=names, tainted=tainted)
                )
    return found


def of_stage(data: DataSet, upstreams: Mapping[str, Affected]) -> Affected:
    """Everything that a stage made from affected items of its upstreams, and other items in the same files.

    Raises SpecError if no record shows which items an input became.
    """
    names = list(upstreams)
    found = Affected()
    ordinals = {name: affected.ordinals for name, affected in upstreams.items() if affected.ordinals}
    if not ordinals:
        return found
    copies = copies_of(data, names, {name: affected.tainted for name, affected in upstreams.items()})
    for segment, lineage, given in affected_parts(data, names, ordinals):
        made = _items_with_inputs(data, lineage)
        items, files, inputs = connected_through_files(made, list(lineage.files()), set(given))
        found.files.update({file.key: file for file in files})
        ledger = {place: row for place, row in enumerate(lineage.inputs()) if place in inputs}
        tainted = {place for place, row in given.items() if row.ordinal in upstreams[upstream_of(row, names)].tainted}
        tainted_items = [item for item, of in made if not of.isdisjoint(tainted)]
        found.add_rows(
            Rows(
                segment=segment.segment,
                shard=lineage.shard,
                items=items,
                inputs=given,
                withdrawn=[place for place in inputs if place not in given and ledger[place].outcome == Outcome.DONE],
                copies=copies.pop((segment.segment, lineage.shard), set()) - given.keys(),
                made=_own_items_by_input(made, inputs),
                names=[*(item.key for item in tainted_items), *(given[place].key for place in sorted(tainted))],
                tainted=frozenset(item.ordinal for item in tainted_items),
            )
        )
    for (number, shard), rows in copies.items():
        of = Rows(segment=number, shard=shard, items=(), inputs={}, copies=rows, names=(), tainted=frozenset())
        found.add_rows(of)
    return found


def _items_with_inputs(data: DataSet, lineage: PartLineage) -> list[tuple[Item, frozenset[int]]]:
    made = []
    for item, inputs in lineage.items():
        if is_forgotten(item):
            continue
        if inputs is None:
            raise SpecError(
                f"the inputs of the item {item.key!r} of {data.root} are unknown",
                where=data.uri,
                hint=f"an earlier version of reelmill wrote it: make {data.name} again with a new rerun, then prune it",
            )
        made.append((item, frozenset(inputs)))
    return made


def _own_items_by_input(made: Sequence[tuple[Item, frozenset[int]]], inputs: Collection[int]) -> dict[int, list[int]]:
    """For each input, the ordinals of the items that were made from it alone."""
    found: dict[int, list[int]] = {place: [] for place in sorted(inputs)}
    for item, of in made:
        for place in of if len(of) == 1 else ():
            if place in found:
                found[place].append(item.ordinal)
    return found


def connected_through_files(
    made: Sequence[tuple[Item, frozenset[int]]],
    assembled: Sequence[tuple[Object, Sequence[int] | None]],
    given: set[int],
) -> tuple[list[Item], list[Object], set[int]]:
    """The items, assembled files and inputs that are connected to these inputs through shared files."""
    inputs, connected = set(given), set[str | int]()
    links: list[tuple[set[str | int], Collection[int]]] = []
    for number, (item, of) in enumerate(made):
        links.append(({number, *_output_keys(item)}, of))  # an item without files also connects its inputs
    for file, numbers in assembled:
        links.append(({file.key}, frozenset(numbers or ())))
    of_input = defaultdict[int, list[set[str | int]]](list)
    of_node = defaultdict[str | int, list[Collection[int]]](list)
    for nodes, places in links:
        for each in places:
            of_input[each].append(nodes)
        for node in nodes:
            of_node[node].append(places)
    waiting: list[int] = list(inputs)
    while waiting:
        more_nodes = {node for nodes in of_input.pop(waiting.pop(), ()) for node in nodes} - connected
        connected |= more_nodes
        more = {each for node in more_nodes for of in of_node[node] for each in of} - inputs
        inputs |= more
        waiting += more
    files = {node for node in connected if isinstance(node, str)}
    items = [item for item, of in made if not of.isdisjoint(inputs) or not files.isdisjoint(_output_keys(item))]
    connected_files = [file for file, of in assembled if file.key in files or not inputs.isdisjoint(of or ())]
    return items, connected_files, inputs


def _output_keys(item: Item) -> Iterator[str]:
    return (output.key for output in item.outputs)
