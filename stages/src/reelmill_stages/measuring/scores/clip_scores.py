"""Scores from CLIP embeddings of frames: aesthetics by a linear head, and similarity to the item's text."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.measure_models import ClipModel
from reelmill_stages.measuring.models import Fetch, Pixels, Seen
from reelmill_stages.measuring.scores.session import unfit
from reelmill_stages.models.extra import load
from reelmill_stages.models.model_weights import check_keys, read_weights
from reelmill_stages.models.outline import Outline, outline
from reelmill_stages.models.preparation import Preparation

_TEXTS = 64
"""Number of texts whose embeddings are cached; frames of one clip are processed in succession."""


class ClipScores:
    """The CLIP model, loaded at the first frame; before that, only the keys of its weights are checked."""

    def __init__(self, block: ClipModel, fetch: Fetch) -> None:
        self._block = block
        self._fetch = fetch
        self._config = _configuration(block)
        self._preparation = Preparation().with_side_of(self._config)
        self._model: Any = None
        self._heads: list[tuple[Any, Any]] = []
        self._embedded_text = lru_cache(_TEXTS)(self._text)
        with load("torch").device("meta"):
            wanted = _shapes(self._new_model().state_dict())
        check_keys(
            outline(fetch(block.weights), _error_location(block.weights)), wanted, _error_location(block.weights)
        )
        if block.aesthetic is not None:
            _matrices(outline(fetch(block.aesthetic), _error_location(block.aesthetic)), self._width, block.aesthetic)

    def look(self, pixels: Pixels, item: Item) -> Seen:
        self._load()
        torch = load("torch")
        picture = self._preparation.cropped(np.ascontiguousarray(pixels[..., ::-1]))
        with torch.inference_mode():
            embedding = self._model.encode_image(torch.from_numpy(self._preparation.normalised(picture[None])))
            embedding = torch.nn.functional.normalize(embedding, dim=-1)
            found: dict[Measure, float] = {}
            if self._block.aesthetic is not None:
                score = embedding
                for matrix, bias in self._heads:
                    score = torch.nn.functional.linear(score, matrix, bias)
                found[Measure.AESTHETIC] = float(score[0, 0])
            text = item.fields.get(self._block.text)
            if isinstance(text, str) and text:
                found[Measure.TEXT_SIMILARITY] = float((embedding @ self._embedded_text(text).T)[0, 0])
        return found, ()

    def _load(self) -> None:
        if self._model is not None:
            return
        load("torch").set_num_threads(1)
        model = self._new_model()
        model.load_state_dict(read_weights(self._fetch(self._block.weights), _error_location(self._block.weights)))
        self._model = model.eval()
        ref = self._block.aesthetic
        if ref is not None:
            tensors = read_weights(self._fetch(ref), _error_location(ref))
            shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
            self._heads = [
                (tensors[matrix].float(), tensors[bias].float() if bias else None)
                for matrix, bias in _matrices(shapes, self._width, ref)
            ]

    def _text(self, text: str) -> Any:
        torch = load("torch")
        tokens = load("open_clip.tokenizer").SimpleTokenizer()([text], self._config["text_cfg"]["context_length"])
        return torch.nn.functional.normalize(self._model.encode_text(tokens), dim=-1)

    def _new_model(self) -> Any:
        return load("open_clip.model").CLIP(**self._config)

    @property
    def _width(self) -> int:
        return int(self._config["embed_dim"])


def _configuration(block: ClipModel) -> dict[str, Any]:
    """Return open_clip's configuration of a model. Raises SpecError unless it is a plain CLIP."""
    found = load("open_clip").get_model_config(block.model)
    if found is None:
        names = [name for name in load("open_clip").list_models() if name.startswith("ViT-")]
        raise SpecError(
            f"open_clip knows no model {block.model!r}", where="measure.clip", hint=f"one of {', '.join(names[:12])}, …"
        )
    text = found.get("text_cfg", {})
    plain = not text.get("hf_model_name") and not text.get("hf_tokenizer_name") and not found.get("custom_text")
    if not plain or "timm_model_name" in found.get("vision_cfg", {}) or "multimodal_cfg" in found:
        raise SpecError(
            f"{block.model} needs further files, or is not a plain CLIP model",
            where="measure.clip",
            hint="choose a model such as ViT-B-32 or ViT-L-14",
        )
    return {**found, "text_cfg": {"context_length": 77, **text}}


def _matrices(shapes: Outline, width: int, ref: FileRef) -> list[tuple[str, str]]:
    """Return the names of a head's matrices and their biases, in order. Raises SpecError if they do not match."""
    found = []
    for name, shape in shapes.items():
        if len(shape) == 2:
            if shape[1] != width:
                raise unfit("clip.aesthetic", ref, f"{name} takes {shape[1]} numbers, but gets {width}")
            bias = f"{name.removesuffix('weight')}bias"
            found.append((name, bias if bias in shapes else ""))
            width = shape[0]
    if width != 1 or not found:
        raise unfit("clip.aesthetic", ref, f"the head ends in {width} numbers, not in one")
    return found


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _error_location(ref: FileRef) -> str:
    return f"measure.clip: {ref.uri}"
