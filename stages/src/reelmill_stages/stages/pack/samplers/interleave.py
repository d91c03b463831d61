"""The sampler `interleave`: documents with interleaved texts and images, all images in the tar."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.media.decoding.jpeg import jpeg
from reelmill_stages.stage import File
from reelmill_stages.stages.pack.pictures import reduced
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample
from reelmill_stages.tar.payload_copies import link_or_copy
from reelmill_stages.untrusted.images import open_image, rgb_image

_ORIENTATION = 0x0112
"""EXIF tag of the orientation; 1 is upright."""


class Interleave:
    """`{"conversations", "image_name_list"}` and one jpg per image, in the order of the placeholders `<image>`."""

    def __init__(self, block: PackBlock) -> None:
        self.block = block

    def sample(self, clip: PackInput) -> UnkeyedSample:
        images = clip.item.fields.get("images")
        if not isinstance(images, list):
            raise ItemError(
                ItemReason.BAD_SAMPLE, f"{clip.item.key} is not a document: the sampler interleave needs its images"
            )
        parts = []
        for place, image in enumerate(images):
            target = clip.scratch / f"{place}.jpg"
            if "blank" in image:
                width, height = image["blank"]
                width, height = reduced(width, height, self.block.max_side)
                target.write_bytes(jpeg(np.zeros((height, width, 3), np.uint8), self.block.jpeg_quality))
            else:
                media = Media.from_json(image)
                try:
                    self._write_upright_jpeg(clip.fetch(media), target)
                except ItemError as error:
                    raise ItemError(error.reason, f"image {place}, {media.uri}: {error.what}") from error
            parts.append(File(target.name, target))
        return UnkeyedSample(clip.talk, tuple(parts))

    def _write_upright_jpeg(self, source: Path, target: Path) -> None:
        """Write a JPEG of the image, upright; a file that already is one keeps its bytes."""
        with open_image(source) as image:
            image.load()
            size = reduced(*image.size, self.block.max_side)
            upright = image.getexif().get(_ORIENTATION, 1) == 1
            if image.format == "JPEG" and image.mode in ("RGB", "L") and upright and size == image.size:
                link_or_copy(source, target)
                return
            made = rgb_image(ImageOps.exif_transpose(image))
            size = reduced(*made.size, self.block.max_side)
            if size != made.size:
                made = made.resize(size, Image.Resampling.BICUBIC)
            target.write_bytes(jpeg(np.asarray(made), self.block.jpeg_quality))
