"""The base of source and stage blocks: the parameters that define what is listed or done."""

from typing import Any, ClassVar

from reelmill.contract.model import Model


class Block(Model):
    """Parameters of a source or stage.

    A block's canonical form goes into the stage key: fields equal to their default are left out, so that a field
    added later changes no key. Whoever changes a default, or what a stage writes, raises `data_version`.
    """

    data_version: ClassVar[int] = 1
    gives: ClassVar[str] = "anything"
    """What its items are (`videos`, `tars`, …): a stage is refused an upstream that gives what it does not take."""

    @property
    def given(self) -> str:
        """What its items are with these parameters."""
        return self.gives

    def canonical(self) -> dict[str, Any]:
        """The fields that differ from their defaults, in JSON form."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def params(self) -> dict[str, Any]:
        """All fields, defaults filled in, in JSON form: what the stage's pods get."""
        return self.model_dump(mode="json", by_alias=True)


class SourceBlock(Block):
    """A block that lists items."""


class StageBlock(Block):
    """A block that turns items into items."""

    takes: ClassVar[frozenset[str]] = frozenset()
    """What it can read, as other blocks' `gives`; empty: anything."""
    runs_model: ClassVar[bool] = False
    """Its pods need the image that holds torch."""
    heavy_views: ClassVar[bool] = False
    """Its views are worth building only when all upstreams are complete."""
    group_size: ClassVar[int] = 1
    """Shards of a cover pass are cut at multiples of so many items (see `batch`)."""

    @property
    def batch(self) -> int:
        """Items that end up in one file together; shards are cut at multiples of it."""
        return self.group_size

    @property
    def pod_image(self) -> str | None:
        """Image that the stage's pods need; None: any that holds reelmill's stages."""
        return None

    def misfit(self, upstream: Block, name: str) -> tuple[str, str] | None:
        """Why this block cannot read that one although it takes what it gives: what is wrong, and a hint."""
        return None

    def refusals(self) -> list[str]:
        """What is wrong with the block as a whole, one sentence each; empty when nothing is."""
        return []
