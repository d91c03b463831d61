"""Rebuilds a clip from its item row and its source file, using the provenance."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item, Media, Span
from reelmill.contract.spec.stages.clip import ClipBlock
from reelmill_stages.media.cutting.encode import ENCODERS
from reelmill_stages.stages.clip.cutter import cutter
from reelmill_stages.stages.clip.pieces import Piece

_SAME = ("stream", "in", "out", "timeBase", "frames", "mode")


def rebuild(item: Item, source: Path, folder: Path) -> Path:
    """Write the clip of an item to `folder`; `source` is the file to which `item.provenance["source"]` refers.

    With the same versions of the libraries, the file is identical. Raises ItemError with reason `changed` if the frames
    of the source have changed, and `no_clip` for a virtual clip, which has no file.
    """
    known = item.provenance
    if known["mode"] == "virtual":
        raise ItemError(ItemReason.NO_CLIP, f"{item.key} is a span of its source, not a file")
    fields = item.fields
    piece = Piece(item.key, fields["name"], Span(fields["start"], fields["end"]), known.get("overhang", 0.0))
    media = replace(Media.from_json(known["source"]), span=None)
    with cutter(source, media, _block_of_clip(known), folder) as video:
        made = video.clip(item, piece).item
    if any(made.provenance[name] != known[name] for name in _SAME):
        raise ItemError(ItemReason.CHANGED, f"{source.name} has other frames than those that the clip was made from")
    return made.files[0].path


def _block_of_clip(known: Mapping[str, Any]) -> ClipBlock:
    """The parameters that determine the content of the clip."""
    if known["mode"] == "copy":
        return ClipBlock(mode="copy", audio=known["audio"])
    codec = next(name for name, encoder in ENCODERS.items() if encoder == known["encoder"])
    wanted = {"mode": "reencode", "codec": codec, "crf": known["crf"], "preset": known["preset"]}
    return ClipBlock.model_validate({**wanted, "audio": known["audio"]})
