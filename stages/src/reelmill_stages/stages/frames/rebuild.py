"""Rebuilds a sample from its item row and its source file, using the provenance."""

from pathlib import Path

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import Turned, render
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.stages.frames.captions.tokens import ClipTokens
from reelmill_stages.stages.frames.facts import caption
from reelmill_stages.stages.frames.sample import FrameSelection, SampleWriter
from reelmill_stages.stages.frames.writer import color, write_size, write_text


def rebuild(item: Item, source: Path, folder: Path, vocabulary: Path | None = None) -> list[Path]:
    """Write the files of an item's sample to a folder with the name of the sample below `folder`.

    `source` is the file to which `item.provenance["source"]` refers, `vocabulary` the tokenizer file of the stage, if
    any. Raises ItemError with reason `changed` if the frames of the source have changed.
    """
    provenance = item.provenance
    block = FramesBlock.model_validate(provenance["params"])
    timeline = read_timeline(source, stream=provenance["stream"])
    indices = tuple(provenance["frames"])
    if max(indices) >= len(timeline) or [timeline.pts[index] for index in indices] != list(provenance["pts"]):
        raise ItemError(ItemReason.CHANGED, f"{source.name} has other frames than those that the sample was made from")
    taken = FrameSelection(indices, provenance["padded"], timeline.whole)
    sample = SampleWriter(block, taken, folder / item.fields["sample"])
    turned = Turned(timeline.shape)
    for picture in decode(source, timeline, indices):
        pixels = render(
            picture.frame,
            turned=turned.of(picture.frame),
            width=block.width,
            height=block.height,
            fit=block.fit,
            color=color(block),
        )
        sample.add(picture, pixels)
    paths = list(sample.close())
    if block.layout == "clip4mc":
        style = block.tokenizer if isinstance(block.tokenizer, str) else "clip-hf"
        paths.append(write_text(sample.folder, ClipTokens(style, vocabulary).ids(caption(item.fields))))
        paths.append(write_size(sample.folder, item.fields["size"]))
    return paths
