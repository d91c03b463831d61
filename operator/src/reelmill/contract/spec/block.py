"""The base classes of source and stage blocks."""

from collections.abc import Sequence
from typing import Any, ClassVar

from reelmill.contract.spec.spec_model import SpecModel


class Block(SpecModel):
    """Parameters of a source or stage.

    The canonical form of a block is part of the stage key. Fields that equal their defaults are omitted, so that adding
    a field changes no key. When a default or the output of a stage changes, `data_version` must be increased; if it
    changes with some parameters only, `output_version` for those.
    """

    data_version: ClassVar[int] = 1
    """Version of the data that the block produces."""
    not_in_key: ClassVar[frozenset[str]] = frozenset()
    """Fields that affect how or where the work is done but not its result, such as an address or a budget."""
    gives: ClassVar[str] = "anything"
    """Kind of its items (`videos`, `tars`, …). A stage cannot read an upstream that gives a kind it does not take."""

    @property
    def given(self) -> str:
        """Kind of its items with these parameters."""
        return self.gives

    @property
    def output_version(self) -> int:
        """Version of the data that the block produces with these parameters; part of the stage key."""
        return self.data_version

    @property
    def added_fields(self) -> frozenset[str] | None:
        """Names of the fields that its items have with these parameters, with dots below objects (`measures.luma`).

        For a stage with `keeps_fields`, those that it adds. None: unknown, and a rule may name any field.
        """
        return None

    def known_fields(self, upstreams: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
        """All fields of its items, in the form of `added_fields`; `upstreams` are the fields of its inputs."""
        return self.added_fields

    def canonical(self) -> dict[str, Any]:
        """The fields that differ from their defaults, in JSON form, without those that are not part of the key."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=set(self.not_in_key))

    def surroundings(self) -> dict[str, Any]:
        """The fields that are not part of the key and differ from their defaults; a change starts a survey."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=set(self.not_in_key))

    def params(self) -> dict[str, Any]:
        """All fields, including defaults, in JSON form, as passed to the stage's pods."""
        return self.model_dump(mode="json", by_alias=True)


class SourceBlock(Block):
    """A block that lists items."""

    uri_field: ClassVar[str] = "uri"
    """Name of the field with the location of the source, whose scheme determines the names of credentials."""

    @property
    def where(self) -> str:
        """The value of that field: a URI, or a local path."""
        return str(getattr(self, self.uri_field))


class StageBlock(Block):
    """A block that turns items into items."""

    takes: ClassVar[frozenset[str]] = frozenset()
    """Kinds of items that it can read, as in `gives` of other blocks; empty: any."""
    passes_items: ClassVar[bool] = False
    """Whether its items are those of its upstreams, possibly fewer or with other fields, and so of the same kind."""
    keeps_fields: ClassVar[bool] = False
    """Whether its items have the fields of its inputs in addition to `added_fields`."""
    runs_model: ClassVar[bool] = False
    """Whether its pods always need the image with torch."""
    heavy_views: ClassVar[bool] = False
    """Whether views are expensive, so that they are built only when all upstreams are complete."""
    spans_ignored: ClassVar[bool] = False
    """Whether earlier versions processed the whole file of an item that is a part of it (`start`, `end` of a row)."""
    group_size: ClassVar[int] = 1
    """Default of `batch`."""

    def version_above(self, *, spans: bool) -> int:
        """`output_version` with these inputs; `spans`: they may be parts of files that no stage has cut."""
        return self.output_version + (spans and self.spans_ignored)

    def known_fields(self, upstreams: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
        """All fields of its items: those that it adds, and, with `keeps_fields`, those of its inputs."""
        added = self.added_fields
        if added is None or not self.keeps_fields:
            return added
        found = set(added)
        for known in upstreams:
            if known is None:
                return None
            found |= known
        return frozenset(found)

    @property
    def returns_inputs(self) -> bool:
        """With `passes_items`: it passes on the origins of the items of its upstreams instead of the items."""
        return False

    @property
    def batch(self) -> int:
        """Number of items that are written into one file; shards are cut at multiples of it."""
        return self.group_size

    @property
    def torch_image(self) -> bool:
        """Whether its pods need the image with torch, with these parameters."""
        return self.runs_model

    @property
    def pod_image(self) -> str | None:
        """Container image that the stage requires; None: any image that contains reelmill-stages."""
        return None

    @property
    def pod_workers(self) -> int | None:
        """Default number of worker processes of a pod; None: one per CPU."""
        return None

    @property
    def secret_variables(self) -> tuple[str, ...]:
        """Names of environment variables whose values it needs; the survey's pod gets them like those of the stage."""
        return ()

    @property
    def budget(self) -> tuple[str, int] | None:
        """(counter, limit) of what the stage may spend; None: no limit."""
        return None

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        """Why this block cannot read `other` although the kinds match: (problem, hint)."""
        return None

    def read_fields(self) -> Sequence[tuple[str, str]]:
        """(path of a parameter in the block, field of the inputs that it names, with dots below objects)."""
        return ()

    def refusals(self) -> list[str]:
        """Errors in the combination of fields, one sentence each; empty if the block is valid."""
        return []
