"""Mixtures of two speakers for a training loop: audio, with lip embeddings or raw mouth crops of the target speaker.

A map-style dataset for `torch.utils.data.DataLoader`. Embeddings are used only if enabled. If an embedding is missing
in a split, raw frames are used for the whole split, with a warning; if an encoder is given, it encodes the frames
without an embedding instead. So all samples of a data set have the same kind.

There are two intended differences from IIANet's reader. Raw frames, float32 (T, 88, 88), are cut to the segment in
time, whereas the original cuts their height to that number of rows. And `len` does not count mixtures that are omitted
because they are too short.
"""

import io
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from reelmill.contract.errors import ItemError, NotFound, SpecError
from reelmill_stages.datasets.files.place import SampleFolder
from reelmill_stages.datasets.wav import read_wave
from reelmill_stages.models.extra import HINT
from reelmill_stages.stages.embed.lip_crops import FPS, crops_in, prepare
from reelmill_stages.stages.embed.lists import READY, SPEAKERS
from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError
from reelmill_stages.untrusted.nested import load_json

if TYPE_CHECKING:
    from torch import Tensor

SWITCH = "use_precomputed_embeddings"
Encoder = Callable[["np.ndarray[Any, Any]"], "np.ndarray[Any, Any]"]
"""Maps prepared frames, float32 (T, 88, 88), to an embedding, float32 (512, T)."""


class LipMixture(NamedTuple):
    """A sample; a DataLoader adds a batch dimension in front.

    With `speakers=2`, `source` and `mouth` have a dimension of 2 in front.
    """

    mixture: "Tensor"
    """float32 (samples,): the mixture, in [-1, 1)."""
    source: "Tensor"
    """float32 (samples,): the target speaker alone, in [-1, 1)."""
    mouth: "Tensor"
    """float32 (512, T) embedding or (T, 88, 88) frames, depending on `LipMixtures.kind`; 25 frames per second."""
    name: str
    """File name of the mixture."""


class LipMixtures:
    """The mixtures of one split.

    - `lists`: the folder with IIANet's lists (`tr/`, `cv/`, `tt/`).
    - `embeddings`: an export of an embed stage, or its folder in a store; used with `precomputed=True` only.
    - `source`: the folder of lists in it, if the stage reads several sources and this is not the first one.
    - `encoder`: encodes frames without an embedding; see `lip_encoder.LipEncoder`.
    - `root`: the folder to which npz paths in the lists are relative; default: `lists`. Absolute paths of another
      machine are looked up below it by their longest trailing part that exists, as by the `lips` source; those of wav
      files below `lists` and then `root`, those of embeddings below the export.
    - `segment`: length of the samples in seconds (None: whole files); shorter mixtures are omitted.
    - `rate`: sample rate of the wav files in Hz.
    - `speakers`: 1: a sample for each speaker of a mixture; 2: one sample with both speakers.

    - `verify`: compare embeddings with their digests whenever they are read; the lists always are.

    Raises SpecError without torch or for invalid lists, NotFound for missing files, and StoreDamaged for a list or
    embedding that differs from what was committed.
    """

    def __init__(
        self,
        lists: str,
        split: Literal["tr", "cv", "tt"] = "tr",
        *,
        embeddings: str = "",
        source: str = "",
        precomputed: bool = False,
        encoder: Encoder | None = None,
        root: str = "",
        segment: float | None = 2.0,
        rate: int = 16000,
        speakers: Literal[1, 2] = 1,
        endpoint: str = "",
        region: str = "",
        verify: bool = False,
    ) -> None:
        if find_spec("torch") is None:
            raise SpecError("the package 'torch' is not installed", where="datasets", hint=HINT)
        self._raw = SampleFolder(lists, endpoint=endpoint, region=region)
        self._crops = SampleFolder(root or lists, endpoint=endpoint, region=region)
        self._stored: SampleFolder | None = None
        self._rate, self._encoder, self._speakers = rate, encoder, speakers
        self._samples = None if segment is None else int(segment * rate)
        self._frames = None if segment is None else int(segment * FPS)
        self._embedded: dict[tuple[str, str], str] = {}
        if precomputed:
            lists_in = f"{source}/{split}" if source else split
            self._find_embeddings(
                embeddings, lists_in, SampleFolder(embeddings, endpoint=endpoint, region=region, verify=verify)
            )
        self._rows = self._long_mixtures(split)
        self.kind: Literal["embeddings", "frames"] = "embeddings" if self._embedded or self._encoded else "frames"
        """The content of `mouth` in all samples."""

    def __len__(self) -> int:
        return len(self._rows) * (1 if self._speakers == 2 else 2)

    def __getitem__(self, index: int) -> LipMixture:
        import torch

        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        row, seat = (index, None) if self._speakers == 2 else divmod(index, 2)
        mixture, cells = self._rows[row]
        chosen = SPEAKERS if seat is None else SPEAKERS[seat : seat + 1]
        sounds = [self._waveform(cells[speaker][0]) for speaker in chosen]
        mouths = [self._mouth(speaker, *cells[speaker]) for speaker in chosen]
        stacked = [np.stack(each) if seat is None else each[0] for each in (sounds, mouths)]
        source, mouth = (torch.from_numpy(np.ascontiguousarray(each)) for each in stacked)
        return LipMixture(torch.from_numpy(self._waveform(mixture)), source, mouth, mixture.rpartition("/")[2])

    @property
    def _encoded(self) -> bool:
        return self._encoder is not None and self._stored is not None

    def _find_embeddings(self, where: str, split: str, place: SampleFolder) -> None:
        """Find the embeddings of a split; an incomplete split is used only with an encoder."""
        stored = place.current(f"{split}/mix.json")
        try:
            stored.view(f"{split}/{READY}")
        except NotFound:
            if self._encoder is None:
                warnings.warn(f"{where}: embeddings of {split} are incomplete; using raw frames", stacklevel=3)
                return
        self._stored = stored
        for speaker in SPEAKERS:
            for wav, path, *_ in _list(stored, f"{split}/{speaker}.json"):
                self._embedded[speaker, wav] = path.removesuffix(".npz") + "_embedding.npz"

    def _long_mixtures(self, split: str) -> list[tuple[str, dict[str, tuple[str, str]]]]:
        """Return (mixture, speaker -> (wav, npz)) of all mixtures that are not too short."""
        mixtures = _list(self._raw, f"{split}/mix.json")
        sides = {speaker: _list(self._raw, f"{split}/{speaker}.json") for speaker in SPEAKERS}
        if {len(side) for side in sides.values()} != {len(mixtures)}:
            raise SpecError("the lists have different lengths", where=self._raw.at(split), hint="create them again")
        return [
            (wav, {speaker: (side[row][0], side[row][1]) for speaker, side in sides.items()})
            for row, (wav, samples) in enumerate(mixtures)
            if self._samples is None or samples >= self._samples
        ]

    def _waveform(self, path: str) -> "np.ndarray[Any, Any]":
        try:
            data = self._raw.read_listed(path)
        except NotFound:
            data = self._crops.read_listed(path)
        return read_wave(data, self._raw.at(path), rate=self._rate, length=self._samples)

    def _mouth(self, speaker: str, wav: str, crops: str) -> "np.ndarray[Any, Any]":
        stored = self._embedded.get((speaker, wav))
        if stored is not None and self._stored is not None:
            return self._embedding(self._stored, stored)[:, : self._frames]
        frames = self._prepared_crops(crops)
        if self.kind == "embeddings" and self._encoder is not None:
            # Encode the whole clip before cutting it, because the encoder uses neighbouring frames.
            return self._encoder(frames)[:, : self._frames]
        return frames[: self._frames]

    def _embedding(self, place: SampleFolder, path: str) -> "np.ndarray[Any, Any]":
        try:
            with ArrayArchive(io.BytesIO(place.read_listed(path))) as archive:
                return archive.array("embedding")
        except (ArrayError, KeyError) as error:
            raise SpecError(
                f"not an embedding: {error}", where=place.at(path), hint="find all such files with reelmill check"
            ) from error

    def _prepared_crops(self, path: str) -> "np.ndarray[Any, Any]":
        try:
            return prepare(crops_in(io.BytesIO(self._crops.read_listed(path, below_first=True))))
        except ItemError as error:
            raise SpecError(
                error.what, where=self._crops.at(path), hint="find all such files with reelmill run"
            ) from error


def is_switched_on(config: Mapping[str, Any], flag: bool | None = None) -> bool:
    """Return whether a training configuration enables embeddings; `flag` takes precedence.

    The key `use_precomputed_embeddings` is read from the top level or from `datamodule.data_config`. Default: False.
    """
    if flag is not None:
        return flag
    inner = config.get("datamodule", {})
    data = inner.get("data_config", {}) if isinstance(inner, Mapping) else {}
    return bool(config.get(SWITCH, data.get(SWITCH, False)))


def _list(place: SampleFolder, name: str) -> list[list[Any]]:
    try:
        found = load_json(place.view(name))
    except ValueError as error:
        raise SpecError(
            f"not valid JSON: {error}", where=place.at(name), hint="for details, run reelmill check"
        ) from error
    if not isinstance(found, list) or not all(isinstance(row, list) and len(row) >= 2 for row in found):
        raise SpecError("not a list of IIANet", where=place.at(name), hint="rows must have the form [wav, …]")
    return found
