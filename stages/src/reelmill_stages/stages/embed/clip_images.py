"""CLIP image embeddings of frames, float32 (frames, width), as returned by `encode_image`, not normalized."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.models.device import Device
from reelmill_stages.models.extra import load
from reelmill_stages.models.outline import outline
from reelmill_stages.models.weights import check_keys, read_weights
from reelmill_stages.stage import Input, ReadFile, Work
from reelmill_stages.stages.embed.clip_frames import Pixels, frames_of
from reelmill_stages.stages.embed.family import Array, Fetch, Model, Prepared
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.weight import Weight

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
SIDE = 224
TOWER = "visual."
T = TypeVar("T")
_LARGEST_WIDTH = 768


class ClipImages:
    """The family of CLIP image towers."""

    packages = ("torch", "open_clip")

    def __init__(self, block: EmbedBlock) -> None:
        self._block = block
        self._side = 0

    def check(self, fetch: Fetch) -> None:
        found = outline(fetch(self._block.weights), self._where)
        mine = _tower_only(found)
        if not mine:
            raise SpecError(
                f"no key begins with {TOWER}: this is no CLIP of open_clip, but {', '.join(sorted(found)[:4])}, …",
                where=self._where,
                hint="give the state dict of an open_clip model, whole or its image tower",
            )
        with load("torch").device("meta"):
            check_keys(mine, _shapes(self._tower(fetch).state_dict()), self._where)

    def prepare(self, given: Input, work: Work) -> Prepared:
        item = given.item
        if not self._side:
            self._side = SIDE if self._block.config is None else _side(self._config(_fetch(work.read)))
        frames = [cropped(frame, self._side) for frame in frames_of(item, work, self._block.frames)]
        if not frames:
            raise ItemError(ItemReason.NO_FRAMES, f"{item.key} has no frame")
        stem = safe_stem(str(item.fields.get("name") or item.fields.get("vid") or item.key))
        return Prepared(np.stack(frames), f"clip_{given.number:06d}_{stem}", 0.0, {"frames": len(frames)})

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        torch = load("torch")
        fetch = _fetch(read)
        tower = self._tower(fetch)
        weights = _tower_only(read_weights(fetch(self._block.weights), self._where))
        check_keys(_shapes(weights), _shapes(tower.state_dict()), self._where)
        tower.load_state_dict(weights)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        tower = tower.to(device.name, dtype).eval()

        def run(clips: Sequence[Array]) -> list[Array]:
            return [self._embedded(tower, clip, device, dtype) for clip in clips]

        return run

    def size(self, items: int, weight: Weight) -> int:
        return items * self._block.frames * _LARGEST_WIDTH * 4

    def _embedded(self, tower: Any, clip: Array, device: Device, dtype: Any) -> Array:
        """The embeddings of one clip, `window` frames at a time; frames are independent."""
        torch = load("torch")
        found = []
        with torch.inference_mode():
            for first in range(0, len(clip), self._block.window):
                frames = torch.from_numpy(normalised(clip[first : first + self._block.window]))
                found.append(tower(frames.to(device.name, dtype)).float().cpu().numpy())
        return np.concatenate(found)

    def _tower(self, fetch: Fetch) -> Any:
        """The image tower of the model, without weights."""
        clip = load("open_clip")
        configuration = self._config(fetch) if self._block.config else clip.get_model_config(self._block.model)
        build = load("open_clip.model")._build_vision_tower
        try:
            return build(
                configuration["embed_dim"],
                configuration["vision_cfg"],
                quick_gelu=configuration.get("quick_gelu", self._block.model.endswith("-quickgelu")),
            )
        except (KeyError, TypeError) as error:
            raise SpecError(
                f"the configuration describes no model: {error}", where="config", hint="give open_clip's model_cfg"
            ) from error

    def _config(self, fetch: Fetch) -> dict[str, Any]:
        ref = self._block.config
        assert ref is not None
        try:
            found = load_json(fetch(ref).read_bytes())
            whole: dict[str, Any] = found.get("model_cfg", found)
        except (ValueError, AttributeError) as error:
            raise SpecError(f"this is no JSON object: {error}", where=f"config: {ref.uri}") from error
        return whole

    @property
    def _where(self) -> str:
        return f"weights: {self._block.weights.uri}"


def _fetch(read: ReadFile) -> Fetch:
    return lambda ref: read(ref.uri, ref.digest or "")


def _tower_only(found: Mapping[str, T]) -> dict[str, T]:
    return {name.removeprefix(TOWER): value for name, value in found.items() if name.startswith(TOWER)}


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def cropped(frame: Pixels, side: int) -> Pixels:
    """Resize the shorter side to `side` pixels as CLIP does (Pillow, bicubic), and crop the centre: (side, side, 3)."""
    image = Image.fromarray(frame)
    short = min(image.size)
    size = (
        side if image.width == short else int(side * image.width / short),
        side if image.height == short else int(side * image.height / short),
    )
    resized = image.resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - side) / 2.0), round((size[1] - side) / 2.0)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def normalised(frames: Array) -> Array:
    """Normalize pixels: uint8 (N, side, side, 3) to float32 (N, 3, side, side)."""
    scaled: Array = frames.astype(np.float32) / np.float32(255)
    scaled = (scaled - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _side(configuration: dict[str, Any]) -> int:
    try:
        side = configuration["vision_cfg"].get("image_size", SIDE)
        return int(side if isinstance(side, int) else side[0])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise SpecError(
            f"the configuration describes no image tower: {error}", where="config", hint="give open_clip's model_cfg"
        ) from error
