"""The clip from which a vector was made, as read by the `embed` stage."""

from collections.abc import Mapping
from dataclasses import replace

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.embed import OF_VECTORS


def clip_of(item: Item) -> Item:
    """Return the clip of an item of an `embed` stage: its media and provenance, and the fields that an item keeps.

    Raises ItemError with reason `no_media` for an item without a record of the file from which it was made.
    """
    made = item.provenance
    try:
        media = Media.from_json(made["source"])
    except (KeyError, ValueError) as error:
        raise ItemError(
            ItemReason.NO_MEDIA,
            "the item does not record the clip that its vector was made from: passes is for items of embed",
        ) from error
    before, own = made.get("from"), made.get("fields")
    return replace(
        item,
        media=media,
        outputs=(),
        fields={
            **{name: value for name, value in item.fields.items() if name not in OF_VECTORS},
            **(own if isinstance(own, Mapping) else {}),
        },
        provenance=before if isinstance(before, Mapping) else {},
    )
