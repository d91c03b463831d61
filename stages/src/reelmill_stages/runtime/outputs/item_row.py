"""Conversion of an item of a stage to its row: files become outputs, a file name in `media` becomes a reference."""

from collections.abc import Mapping

from reelmill.contract.records.rows import Item, Media, Output
from reelmill_stages.records.rows.encoded_item import EncodedItem, encoded
from reelmill_stages.stage import NewItem


def item_row(new: NewItem, written: Mapping[str, Output], position: int | None = None) -> EncodedItem:
    """The row of a new item.

    `written` maps the names of uploaded files to their outputs, `position` is the item's position.

    Raises ValueError if the item refers to a file that was not written, or contains values that JSON cannot represent
    (NaN, arrays).
    """
    names = [file.name for file in new.files]
    media = new.media
    if isinstance(media, str):
        if media not in written:
            raise ValueError(f"item {new.key!r} has the media {media!r}, a file that the stage did not write")
        if media not in names:
            names.append(media)
        output = written[media]
        media = Media(output.key, output.size, digest=output.digest)
    item = Item(
        key=new.key,
        ordinal=0,
        group=new.group,
        weight=new.weight,
        media=media,
        outputs=tuple([written[name] for name in names]),
        provenance=new.provenance,
        fields=new.fields,
        position=position,
    )
    try:
        return encoded(item)
    except TypeError as error:
        raise ValueError(f"item {new.key!r} has a value that JSON cannot represent: {error}") from error
