"""Mixtures of two speakers with the mouth of the one to be heard: wavs, and lip embeddings or raw frames, never both.

A map-style dataset: `torch.utils.data.DataLoader` shuffles it, shares it between workers and batches it. Embeddings are
off unless switched on. A split in which one embedding is missing is read as raw frames altogether, with a warning, or,
where an encoder is given, frames without an embedding are encoded: one reader never mixes shapes.

Two things differ from IIANet's own reader on purpose. Raw frames are float32 (T, 88, 88) cut in time to the segment;
the original cuts their height to as many rows, so that models trained on its raw path saw the upper part of each
picture, and features of the two paths differ. And its length counts the mixtures it dropped for being short; this one
does not.
"""

import io
import json
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from reelmill.contract.errors import ItemError, NotFound, SpecError
from reelmill_stages.datasets.place import SampleFolder
from reelmill_stages.datasets.waves import read_wave
from reelmill_stages.models.extra import HINT
from reelmill_stages.stages.embed.lip_crops import FPS, crops_in, prepare
from reelmill_stages.stages.embed.lists import READY, SPEAKERS

if TYPE_CHECKING:
    from torch import Tensor

SWITCH = "use_precomputed_embeddings"
Encoder = Callable[["np.ndarray[Any, Any]"], "np.ndarray[Any, Any]"]
"""Prepared frames float32 (T, 88, 88) to an embedding float32 (512, T)."""


class LipMixture(NamedTuple):
    """One item, or, from a DataLoader, a batch with one more dimension in front. With `speakers=2`, sources and mouths
    have a dimension of 2 in front.
    """

    mixture: "Tensor"
    """float32 (samples,)."""
    source: "Tensor"
    """float32 (samples,): the speaker alone."""
    mouth: "Tensor"
    """float32 (512, T) or (T, 88, 88): see `LipMixtures.kind`."""
    name: str
    """The mixture's file."""


class LipMixtures:
    """The mixtures of one split.

    `lists` is the folder of IIANet's lists (`tr/`, `cv/`, `tt/`), `root` where their relative npz paths lie, and
    `embeddings` an export of an embed stage, or its folder in a store. `segment` is in seconds (None: whole files);
    mixtures that are shorter are left out. Raises SpecError without torch or for lists that are none, and NotFound.
    """

    def __init__(
        self,
        lists: str,
        split: Literal["tr", "cv", "tt"] = "tr",
        *,
        embeddings: str = "",
        precomputed: bool = False,
        encoder: Encoder | None = None,
        root: str = "",
        segment: float | None = 2.0,
        rate: int = 16000,
        speakers: Literal[1, 2] = 1,
        endpoint: str = "",
        region: str = "",
    ) -> None:
        if find_spec("torch") is None:
            raise SpecError("this installation lacks the package 'torch'", where="datasets", hint=HINT)
        self._raw = SampleFolder(lists, endpoint=endpoint, region=region)
        self._crops = SampleFolder(root or lists, endpoint=endpoint, region=region)
        self._stored: SampleFolder | None = None
        self._rate, self._encoder, self._speakers = rate, encoder, speakers
        self._samples = None if segment is None else int(segment * rate)
        self._frames = None if segment is None else int(segment * FPS)
        self._embedded: dict[tuple[str, str], str] = {}
        if precomputed:
            self._find(embeddings, split, SampleFolder(embeddings, endpoint=endpoint, region=region))
        self._rows = self._kept(split)
        self.kind: Literal["embeddings", "frames"] = "embeddings" if self._embedded or self._encoded else "frames"
        """What `mouth` holds, in every item alike."""

    def __len__(self) -> int:
        return len(self._rows) * (1 if self._speakers == 2 else 2)

    def __getitem__(self, index: int) -> LipMixture:
        import torch

        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        row, seat = (index, None) if self._speakers == 2 else divmod(index, 2)
        mixture, cells = self._rows[row]
        chosen = SPEAKERS if seat is None else SPEAKERS[seat : seat + 1]
        sounds = [self._sound(cells[speaker][0]) for speaker in chosen]
        mouths = [self._mouth(speaker, *cells[speaker]) for speaker in chosen]
        stacked = [np.stack(each) if seat is None else each[0] for each in (sounds, mouths)]
        source, mouth = (torch.from_numpy(np.ascontiguousarray(each)) for each in stacked)
        return LipMixture(torch.from_numpy(self._sound(mixture)), source, mouth, mixture.rpartition("/")[2])

    @property
    def _encoded(self) -> bool:
        return self._encoder is not None and self._stored is not None

    def _find(self, where: str, split: str, place: SampleFolder) -> None:
        """Where embeddings are: all of a split that is ready; of another only for an encoder to complete."""
        stored = place.current(f"{split}/mix.json")
        try:
            stored.read(f"{split}/{READY}")
        except NotFound:
            if self._encoder is None:
                warnings.warn(f"{where}: not every item of {split} has an embedding: raw frames are read", stacklevel=3)
                return
        self._stored = stored
        for speaker in SPEAKERS:
            for wav, path, *_ in _list(stored, f"{split}/{speaker}.json"):
                self._embedded[speaker, wav] = path.removesuffix(".npz") + "_embedding.npz"

    def _kept(self, split: str) -> list[tuple[str, dict[str, tuple[str, str]]]]:
        """(mixture, speaker -> (wav, npz)) of all mixtures that are long enough."""
        mixtures = _list(self._raw, f"{split}/mix.json")
        sides = {speaker: _list(self._raw, f"{split}/{speaker}.json") for speaker in SPEAKERS}
        if {len(side) for side in sides.values()} != {len(mixtures)}:
            raise SpecError("the lists have different lengths", where=self._raw.at(split), hint="make them again")
        return [
            (wav, {speaker: (side[row][0], side[row][1]) for speaker, side in sides.items()})
            for row, (wav, samples) in enumerate(mixtures)
            if self._samples is None or samples >= self._samples
        ]

    def _sound(self, path: str) -> "np.ndarray[Any, Any]":
        return read_wave(self._raw.read(path), self._raw.at(path), rate=self._rate, length=self._samples)

    def _mouth(self, speaker: str, wav: str, crops: str) -> "np.ndarray[Any, Any]":
        stored = self._embedded.get((speaker, wav))
        if stored is not None and self._stored is not None:
            with np.load(io.BytesIO(self._stored.read(stored)), allow_pickle=False) as archive:
                found: np.ndarray[Any, Any] = archive["embedding"]
            return found[:, : self._frames]
        frames = self._prepared(crops)
        if self.kind == "embeddings" and self._encoder is not None:
            # The whole clip first: what is cut before it is encoded lacks its last neighbours.
            return self._encoder(frames)[:, : self._frames]
        return frames[: self._frames]

    def _prepared(self, path: str) -> "np.ndarray[Any, Any]":
        try:
            return prepare(crops_in(io.BytesIO(self._crops.read(path))))
        except ItemError as error:
            raise SpecError(
                error.what, where=self._crops.at(path), hint="reelmill run names every such file"
            ) from error


def is_switched_on(config: Mapping[str, Any], flag: bool | None = None) -> bool:
    """Whether a training configuration asks for embeddings: a flag of the command line wins, and off is the default."""
    if flag is not None:
        return flag
    inner = config.get("datamodule", {})
    data = inner.get("data_config", {}) if isinstance(inner, Mapping) else {}
    return bool(config.get(SWITCH, data.get(SWITCH, False)))


def _list(place: SampleFolder, name: str) -> list[list[Any]]:
    try:
        found = json.loads(place.read(name))
    except ValueError as error:
        raise SpecError(f"this is no JSON: {error}", where=place.at(name), hint="reelmill check says more") from error
    if not isinstance(found, list) or not all(isinstance(row, list) and len(row) >= 2 for row in found):
        raise SpecError("this is no list of IIANet", where=place.at(name), hint="rows are [wav, …]")
    return found
