"""Embeddings of frames by an image tower of open_clip, float32 (frames, width): as `encode_image`, not normalized."""

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.models.device import Device
from reelmill_stages.models.extra import load
from reelmill_stages.models.model_weights import check_keys, read_weights
from reelmill_stages.models.outline import outline
from reelmill_stages.models.preparation import Preparation
from reelmill_stages.stage import Input, ReadFile, Work
from reelmill_stages.stages.embed.family import Array, Fetch, Model, Prepared
from reelmill_stages.stages.embed.towers.frames import frames_of
from reelmill_stages.untrusted.nested import load_json
from reelmill_stages.weight import Weight

TOWER = "visual."
T = TypeVar("T")
_LARGEST_WIDTH = 768
_SETTINGS = ("mean", "std", "interpolation", "resize_mode")
_CLIP = frozenset({"ViT-B-32", "ViT-B-16", "ViT-L-14"})
"""Models of CLIP itself, whose preprocessing is known without open_clip, which takes seconds to import."""


class ImageTower:
    """The family of open_clip's image towers."""

    packages = ("torch", "open_clip")

    def __init__(self, block: EmbedBlock) -> None:
        self._block = block
        self._preparation: Preparation | None = None

    def check(self, fetch: Fetch) -> None:
        self._load_preparation(fetch)
        found = outline(fetch(self._block.weights), self._error_location)
        mine = _tower_only(found)
        if not mine:
            raise SpecError(
                f"not weights of open_clip: no key begins with {TOWER}, but {', '.join(sorted(found)[:4])}, …",
                where=self._error_location,
                hint="give the state dict of an open_clip model, whole or its image tower",
            )
        with load("torch").device("meta"):
            check_keys(mine, _shapes(self._tower(fetch).state_dict()), self._error_location)

    def prepare(self, given: Input, work: Work) -> Prepared:
        item = given.item
        preparation = self._load_preparation(_fetch(work.read))
        frames = [preparation.cropped(frame) for frame in frames_of(item, work, self._block.frames)]
        if not frames:
            raise ItemError(ItemReason.NO_FRAMES, f"{item.key} has no frame")
        return Prepared(np.stack(frames), clip_name(given), 0.0, {"frames": len(frames)})

    def model(self, read: ReadFile, device: Device, *, precision: str) -> Model:
        torch = load("torch")
        fetch = _fetch(read)
        preparation = self._load_preparation(fetch)
        tower = self._tower(fetch)
        weights = _tower_only(read_weights(fetch(self._block.weights), self._error_location))
        check_keys(_shapes(weights), _shapes(tower.state_dict()), self._error_location)
        tower.load_state_dict(weights)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        tower = tower.to(device.name, dtype).eval()

        def run(clips: Sequence[Array]) -> list[Array]:
            return [self._embed_clip(tower, clip, preparation, device, dtype) for clip in clips]

        return run

    def size(self, items: int, weight: Weight) -> int:
        return items * self._block.frames * _LARGEST_WIDTH * 4

    def _embed_clip(self, tower: Any, clip: Array, preparation: Preparation, device: Device, dtype: Any) -> Array:
        """The embeddings of one clip, `window` frames at a time; frames are independent."""
        torch = load("torch")
        found = []
        with torch.inference_mode():
            for first in range(0, len(clip), self._block.window):
                frames = torch.from_numpy(preparation.normalised(clip[first : first + self._block.window]))
                given = tower(frames.to(device.name, dtype))
                pooled = given[0] if isinstance(given, tuple) else given
                found.append(pooled.float().cpu().numpy())
        return np.concatenate(found)

    def _tower(self, fetch: Fetch) -> Any:
        """The image tower of the model, without weights."""
        configuration = self._model_config(fetch)
        build = load("open_clip.model")._build_vision_tower
        try:
            vision = {**configuration["vision_cfg"], "timm_model_pretrained": False}
            return build(
                configuration["embed_dim"],
                vision,
                quick_gelu=configuration.get("quick_gelu", self._block.model.endswith("-quickgelu")),
            )
        except (KeyError, TypeError, RuntimeError) as error:
            raise SpecError(
                f"the configuration describes no model: {error}", where="config", hint="give open_clip's model_cfg"
            ) from error

    def _load_preparation(self, fetch: Fetch) -> Preparation:
        """Return the preprocessing of frames; determined once. Raises SpecError for a model unknown to open_clip."""
        if self._preparation is None:
            if self._block.config:
                settings = self._config(fetch).get("preprocess_cfg") or {}
                self._preparation = Preparation().with_side_of(self._model_config(fetch)).with_settings(settings)
            elif self._block.model.removesuffix("-quickgelu") in _CLIP and not self._block.pretrained:
                self._preparation = Preparation()
            else:
                self._preparation = (
                    Preparation().with_side_of(self._model_config(fetch)).with_settings(self._published_settings())
                )
        return self._preparation

    def _published_settings(self) -> dict[str, Any]:
        """open_clip's settings for the weights of the block's tag, or those of most of the model's weights."""
        clip = load("open_clip")
        model, tag = self._block.model, self._block.pretrained
        tags = clip.list_pretrained_tags_by_model(model)
        if tag and tag not in tags:
            raise SpecError(
                f"open_clip has no weights {tag!r} of {model}",
                where="pretrained",
                hint=f"choose one of {', '.join(tags)}" if tags else "remove pretrained",
            )
        kinds = Counter(
            tuple((name, clip.get_pretrained_cfg(model, one).get(name)) for name in _SETTINGS)
            for one in ([tag] if tag else tags)
        )
        return dict(kinds.most_common(1)[0][0]) if kinds else {}

    def _model_config(self, fetch: Fetch) -> dict[str, Any]:
        """The configuration of the model."""
        if self._block.config:
            whole = self._config(fetch)
            found: dict[str, Any] = whole.get("model_cfg", whole)
            return found
        clip = load("open_clip")
        known = clip.list_models()
        if self._block.model not in known:
            near = get_close_matches(self._block.model, known, n=3, cutoff=0.5)
            raise SpecError(
                f"open_clip has no model {self._block.model!r}",
                where="model",
                hint=(f"did you mean {' or '.join(near)}? " if near else "") + "open_clip.list_models() lists all",
            )
        configuration: dict[str, Any] = clip.get_model_config(self._block.model)
        return configuration

    def _config(self, fetch: Fetch) -> dict[str, Any]:
        ref = self._block.config
        assert ref is not None
        try:
            found: dict[str, Any] = load_json(fetch(ref).read_bytes())
            found.get("model_cfg")
        except (ValueError, AttributeError) as error:
            raise SpecError(f"not a JSON object: {error}", where=f"config: {ref.uri}") from error
        return found

    @property
    def _error_location(self) -> str:
        return f"weights: {self._block.weights.uri}"


def clip_name(given: Input) -> str:
    """The path of the embeddings of a clip without `_embedding.npz`."""
    item = given.item
    stem = safe_stem(str(item.fields.get("name") or item.fields.get("vid") or item.key))
    return f"clip_{given.number:06d}_{stem}"


def _fetch(read: ReadFile) -> Fetch:
    return lambda ref: read(ref.uri, ref.digest or "")


def _tower_only(found: Mapping[str, T]) -> dict[str, T]:
    return {name.removeprefix(TOWER): value for name, value in found.items() if name.startswith(TOWER)}


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
