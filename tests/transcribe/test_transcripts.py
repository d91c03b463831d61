import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import ItemError
from reelmill.contract.spec.stages.transcribe import TranscribeBlock
from reelmill_stages.models.voice import STEP, VoiceRules, pieces, speech
from reelmill_stages.stages.transcribe.check import TranscriptsCheck
from reelmill_stages.stages.transcribe.transcript import Heard, SpokenSegment, Word, language_of, moved, parse_response
from reelmill_stages.stages.transcribe.vtt import webvtt

RULES = VoiceRules(threshold=0.5, min_speech=4 * STEP, min_silence=6 * STEP, pad=3 * STEP)
probabilities = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), max_size=200)


def block(**params: Any) -> TranscribeBlock:
    given = {"server": {"url": "http://models/v1"}, "model": "m", "voice": {"weights": {"uri": "v.onnx"}}}
    return TranscribeBlock.model_validate({**given, **params})


@given(probabilities)
def test_speech_is_in_order_apart_and_inside_of_the_sound(found: list[float]) -> None:
    length = max(len(found) * STEP - 100, 0)
    stretches = speech(np.array(found, np.float32), length, RULES)
    edges = [edge for stretch in stretches for edge in stretch]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= length for start, end in stretches)
    assert bool(stretches) <= (max(found, default=0) >= RULES.threshold)


@given(probabilities, st.integers(8, 60))
def test_pieces_hold_all_speech_and_are_no_longer_than_allowed(found: list[float], steps: int) -> None:
    values = np.array(found, np.float32)
    stretches = speech(values, len(found) * STEP, RULES)
    parts = pieces(stretches, values, steps * STEP)
    assert all(0 < end - start <= steps * STEP for start, end in parts)
    covered = {at for start, end in parts for at in range(start, end, STEP // 2)}
    assert all(any(start <= at < end for start, end in parts) for one in stretches for at in range(*one, STEP // 2))
    assert len(covered) <= len(found) * 2 + 2 * len(parts)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"server": None}, "one of server and whisper"),
        ({"model": None}, "give both"),
        ({"field": "speech"}, "holds the segments"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any], says: str) -> None:
    assert says in str(block(**params).refusals())


def test_a_model_in_the_pod_takes_one_worker_and_the_image_with_models() -> None:
    files = {name: {"uri": f"{name}.bin"} for name in ("model", "config", "tokenizer", "vocabulary")}
    local = block(server=None, model=None, whisper=files)
    assert not local.refusals()
    assert (local.pod_workers, local.torch_image) == (1, True)
    assert (block().pod_workers, block().torch_image) == (8, False)


times = st.floats(-1, 12) | st.none() | st.just("1")
rows = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=8) | st.none(), "word": st.text(max_size=8), "start": times, "end": times,
        "avg_logprob": times, "no_speech_prob": times, "probability": times,
    },
)  # fmt: skip
responses = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=8) | st.integers(), "language": st.text(max_size=8) | st.none(),
        "segments": st.lists(rows, max_size=3) | st.integers(), "words": st.lists(rows, max_size=3) | st.none(),
    },
)  # fmt: skip


@given(responses, st.sampled_from(["word", "segment"]))
def test_any_response_is_a_transcript_inside_of_the_sound_or_one_reason(response: dict[str, Any], grain: str) -> None:
    try:
        found = parse_response(response, 10.0, block(times=grain))
    except ItemError as error:
        reason = error.reason
    else:
        reason = "bad_answer"
        for segment in found.segments:
            assert all(0 <= one.start <= one.end <= 10.0 for one in (segment, *segment.words))
            json.dumps(segment.to_json(), allow_nan=False).encode()
    assert reason == "bad_answer"


def test_words_outside_of_speech_are_left_out() -> None:
    words = tuple(Word(text, at, at + 0.5, 0.9) for text, at in (("so", 0.0), ("it", 1.0), ("is", 5.0)))
    found = moved(Heard("en", (SpokenSegment("so it is", 0.0, 5.5, 0.9, words),)), 10.0, [(10.0, 12.0)])
    (segment,) = found.segments
    assert (segment.text, segment.start, segment.end, found.dropped) == ("so it", 10.0, 11.5, 1)
    assert moved(Heard("en", (SpokenSegment("so it is", 0.0, 5.5, 0.9, words),)), 20.0, [(10.0, 12.0)]).segments == ()


def test_the_language_is_that_of_most_of_the_speech() -> None:
    said = (SpokenSegment("a", 0, 1),)
    assert language_of([(Heard("de", said), 3.0), (Heard("en", said), 1.0), (Heard("fr", ()), 9.0)]) == ("de", 0.75)
    assert language_of([(Heard("", said), 3.0)]) is None


@given(st.lists(st.tuples(st.text(max_size=20), st.integers(0, 4_000_000), st.integers(0, 9_000)), max_size=5))
def test_009_p1_any_text_is_a_file_that_the_check_accepts(given: list[tuple[str, int, int]]) -> None:
    segments = []
    for text, start, length in sorted(given, key=lambda one: one[1]):
        clean = " ".join(text.replace("\0", " ").encode(errors="replace").decode().split())
        segments.append(SpokenSegment(clean or "x", start / 1000, (start + length) / 1000))
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.vtt").write_text(webvtt(segments), encoding="utf-8")
        findings = list(TranscriptsCheck().check(Path(folder)))
    assert [(one.rule, one.ok, one.message) for one in findings] == [("cues", True, "")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "header"), ("WEBVTTX\n", "header"), ("WEBVTT\n\nno times\n", "cues"),
        ("WEBVTT\n\n00:00:02.000 --> 00:00:01.000\na\n", "cues"), ("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n", "cues"),
        ("WEBVTT\n\n00:00:05.000 --> 00:00:06.000\na\n\n00:00:01.000 --> 00:00:02.000\nb\n", "cues"),
    ],
)  # fmt: skip
def test_the_check_names_what_is_wrong_with_a_file(text: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(text)
    (finding,) = TranscriptsCheck().check(tmp_path)
    assert (finding.rule, finding.ok, bool(finding.message)) == (rule, False, True)
