"""The `transcribe` stage: extracts the sound of an item, detects speech, and transcribes it; one item at a time.

Answers are stored one by one (`Work.answers`), so no sound is transcribed again after a process or pod was killed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Media, Span
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.transcribe import SPEECH, TranscribeBlock
from reelmill_stages.file_names import safe_stem
from reelmill_stages.item_errors import failed
from reelmill_stages.media.decoding.speech_sound import RATE, SoundPart, SpeechSound, speech_sound
from reelmill_stages.media.gpu_fallback import NO_GPU
from reelmill_stages.media.timeline import item_span
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.models.extra import require
from reelmill_stages.models.voice import Stretch, VoiceModel, VoiceRules, pieces, speech
from reelmill_stages.stage import Done, File, Input, NewItem, Result, Stage, Work
from reelmill_stages.stages.transcribe.engines import Engine, ServerEngine, WhisperEngine
from reelmill_stages.stages.transcribe.transcript import Heard, language_of, moved, parse_response
from reelmill_stages.stages.transcribe.vtt import webvtt
from reelmill_stages.weight import Weight

_ROW_BYTES = 4000


class TranscribeStage(Stage):
    """Transcribes speech.

    Reasons: those of `read_timeline` and of a server. Counters: `no_sound`, `no_speech`, `not_speech`, `more_tracks`,
    `damaged_sound`, `gpu_fallback`.
    """

    alone = True
    asks = True
    pace = 0.1
    block: TranscribeBlock

    def check(self) -> None:
        require("onnxruntime", *(("faster_whisper",) if self.block.whisper else ()))

    def check_server(self) -> None:
        if self.block.server:
            ServerEngine(self.block).check()

    def check_files(self, read: Callable[[FileRef], Path]) -> None:
        VoiceModel(read(self.block.voice.weights))
        if self.block.whisper:
            WhisperEngine(self.block, lambda uri, digest="": read(FileRef(uri=uri, digest=digest or None)))

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def forecast(self, items: int, weight: Weight) -> int | None:
        return items * _ROW_BYTES

    def _process_input(self, given: Input, work: Work) -> Result:
        media = given.item.media
        try:
            if media is None:
                raise ItemError(ItemReason.NO_MEDIA, "the item has no file")
            span = item_span.span(given.item)
            sound = self._sound(media, span, work)
            found = [] if sound is None else self._transcribe_pieces(media, span, sound, work)
            return self._done(given, sound, found, work)
        except ItemError as error:
            return failed(error)

    def _sound(self, media: Media, span: Span | None, work: Work) -> SpeechSound | None:
        path = work.open(media)
        timeline = read_timeline(path)
        item_span.shown_in(timeline, span)
        origin, time_base = timeline.pts[0] * timeline.time_base, timeline.time_base
        start, end = origin, timeline.end * time_base
        if span:
            times = (span.start, min(span.end, timeline.duration))
            start, end = (origin + Fraction(at).limit_denominator(10**6) for at in times)
        return speech_sound(path, start, end, self.block.track)

    def _transcribe_pieces(
        self, media: Media, span: Span | None, sound: SpeechSound, work: Work
    ) -> list[tuple[Heard, float]]:
        """Transcribe each piece of speech; returns the results with its length in seconds."""
        rules = self.block.voice
        lengths = (round(seconds(length) * RATE) for length in (rules.min_speech, rules.min_silence, rules.pad))
        voice = VoiceRules(rules.threshold, *lengths)
        longest = round(seconds(self.block.max_length) * RATE)
        found = []
        for part in sound.parts:
            probabilities = self._voice(work).probabilities(part.samples)
            spoken = speech(probabilities, len(part.samples), voice)
            times = [((part.at + start) / RATE, (part.at + end) / RATE) for start, end in spoken]
            for start, end in pieces(spoken, probabilities, longest):
                length = (end - start) / RATE
                response = self._ask_engine(media, span, part, (start, end), work)
                found.append(
                    (moved(parse_response(response, length, self.block), (part.at + start) / RATE, times), length)
                )
        return found

    def _ask_engine(
        self, media: Media, span: Span | None, sound: SoundPart, piece: Stretch, work: Work
    ) -> Mapping[str, Any]:
        same = [media.digest] if media.digest else [media.uri, media.size, media.etag, media.version]
        part = [span.start, span.end] if span else None
        place = [sound.at + sample for sample in piece]
        identity = {"params": self.block.canonical(), "media": same, "span": part, "piece": place}
        question = json.dumps(identity, sort_keys=True)
        kept = work.answers.find(question)
        if kept is None:
            response = self._engine(work).hear(sound.samples[piece[0] : piece[1]])
            work.answers.spend({StageCounter.REQUESTS: 1})
            parse_response(response, (piece[1] - piece[0]) / RATE, self.block)
            kept = work.answers.keep(question, json.dumps(response))
        found: Mapping[str, Any] = json.loads(kept)
        return found

    def _done(self, given: Input, sound: SpeechSound | None, found: Sequence[tuple[Heard, float]], work: Work) -> Done:
        item = given.item
        segments = [segment for one, _ in found for segment in one.segments]
        text = " ".join(segment.text for segment in segments)
        stem = safe_stem(str(item.fields.get("name") or item.fields.get("vid") or item.key))
        path = work.scratch / f"{given.number}.vtt"
        path.write_text(webvtt(segments), encoding="utf-8")
        file = File(f"transcripts/{given.number:06d}_{stem}.vtt", path)
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            media=item.media,
            files=(file,),
            fields={**item.fields, self.block.field: text, SPEECH: _speech_field(sound, found)},
            provenance={
                "params": self.block.canonical(),
                **({"from": dict(item.provenance)} if item.provenance else {}),
            },
        )
        more = sound is not None and sound.tracks > 1
        counters = {
            StageCounter.NO_SOUND: int(sound is None),
            StageCounter.NO_SPEECH: int(sound is not None and not segments),
            StageCounter.NOT_SPEECH: sum(one.dropped for one, _ in found),
            StageCounter.MORE_TRACKS: int(more),
            StageCounter.DAMAGED_SOUND: int(sound is not None and sound.damaged > 0),
            **(NO_GPU.counters() if self._has_fallen_back(work) else {}),
        }
        return Done(
            (made,),
            counters={name: count for name, count in counters.items() if count},
            message=f"track {self.block.track} of {sound.tracks} was heard" if sound and more else "",
        )

    def _has_fallen_back(self, work: Work) -> bool:
        files = self.block.whisper
        return files is not None and files.device == "gpu" and not self._engine(work).on_gpu

    def _voice(self, work: Work) -> VoiceModel:
        if "voice" not in self._loaded:
            ref = self.block.voice.weights
            self._loaded["voice"] = VoiceModel(work.read(ref.uri, ref.digest or ""))
        found: VoiceModel = self._loaded["voice"]
        return found

    def _engine(self, work: Work) -> Engine:
        if "engine" not in self._loaded:
            local = self.block.whisper is not None
            self._loaded["engine"] = WhisperEngine(self.block, work.read) if local else ServerEngine(self.block)
        found: Engine = self._loaded["engine"]
        return found

    @cached_property
    def _loaded(self) -> dict[str, Any]:
        """The models of this process, loaded when they are first needed."""
        return {}


def _speech_field(sound: SpeechSound | None, found: Sequence[tuple[Heard, float]]) -> dict[str, Any]:
    """Return the field without the text. `share` is the fraction of the sound that was sent to the model."""
    segments = [segment for one, _ in found for segment in one.segments]
    spoken = language_of(found)
    sure = [(one.confidence, one.end - one.start) for one in segments if one.confidence is not None]
    weight = sum(length for _, length in sure)
    length = 0 if sound is None else sound.length / RATE
    return {
        "sound": sound is not None,
        "share": round(sum(seconds_ for _, seconds_ in found) / length, 4) if length else 0.0,
        **({"language": spoken[0], "language_share": round(spoken[1], 4)} if spoken else {}),
        **({"confidence": round(sum(p * part for p, part in sure) / weight, 4)} if weight else {}),
        "segments": [segment.to_json() for segment in segments],
    }
