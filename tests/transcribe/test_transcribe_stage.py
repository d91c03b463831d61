"""Speech by espeak-ng, found by Silero VAD and recognised by pocketsphinx behind an OpenAI-compatible server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Span
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Failed, Input
from transcribe.studio import Listener, Studio, film, listening, parameters

pytestmark = pytest.mark.store
TEXT = "seven. monkey. elephant."


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with listening(tmp_path_factory.mktemp("listener")) as server:
        yield server


def test_009_f01_words_are_written_down_with_their_times(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    found = studio.made(studio.hear(listener, film(f"{TEXT}@1.5"), {"vid": "talk"}))
    assert found.fields["transcript"] == "seven monkey elephant"
    assert found.media == studio.item("a").media
    speech = found.fields["speech"]
    assert (speech["sound"], speech["language"], speech["language_share"]) == (True, "english", 1.0)
    (segment,) = speech["segments"]
    assert [word["text"] for word in segment["words"]] == ["seven", "monkey", "elephant"]
    times = [word["start"] for word in segment["words"]]
    # The first word is said after 1.5 s; the film is silent before and after.
    assert 1.4 <= times[0] <= 1.8
    assert times == sorted(times)
    assert segment["words"][-1]["end"] <= 4.0
    assert 0.1 < speech["share"] < 0.5
    assert segment["confidence"] == pytest.approx(0.8187, abs=1e-4)
    (file,) = found.files
    assert file.name == "transcripts/000000_talk.vtt"
    head, blank, stamps, text = file.path.read_text().splitlines()
    assert (head, blank, text) == ("WEBVTT", "", "seven monkey elephant")
    assert stamps.startswith("00:00:01.")
    assert " --> 00:00:0" in stamps


@pytest.mark.parametrize("sound", ["silence", "music", "noise", "tone"])
def test_009_f02_where_nobody_speaks_no_word_is_invented(sound: str, listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    asked = len(listener.log())
    result = studio.hear(listener, film(sound))
    assert isinstance(result, Done)
    found = studio.made(result)
    assert (found.fields["transcript"], found.fields["speech"]["segments"]) == ("", [])
    assert found.files[0].path.read_text() == "WEBVTT\n"
    assert result.counters == {"no_speech": 1}
    assert len(listener.log()) == asked


def test_009_f02_what_the_model_says_of_silence_inside_of_speech_is_left_out(
    listener: Listener, tmp_path: Path
) -> None:
    studio = Studio(tmp_path)
    result = studio.hear(listener, film(f"{TEXT}@1.5"), prompt="no-speech")
    assert isinstance(result, Done)
    assert studio.made(result).fields["transcript"] == ""
    assert result.counters == {"no_speech": 1, "not_speech": 1}


@pytest.mark.parametrize("cut", ["virtually", "not at all"])
def test_a_span_is_heard_alone_and_its_times_begin_at_0(cut: str, listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    item = studio.item("a", film(f"{TEXT}@1.5"))
    assert item.media is not None
    if cut == "virtually":
        item = replace(item, media=replace(item.media, span=Span(1.0, 6.0)))
    else:  # a row of a source
        item = replace(item, fields={"start": 1.0, "end": 6.0})
    made = stage("transcribe", parameters(listener.url))
    (result,) = made.process([Input(item, 0)], studio)
    (segment,) = studio.made(result).fields["speech"]["segments"]
    assert studio.made(result).fields["transcript"] == "seven monkey elephant"
    assert 0.4 <= segment["words"][0]["start"] <= 0.8


def test_times_are_those_of_the_pictures_where_the_sound_begins_later(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    found = studio.made(studio.hear(listener, film(TEXT, offset=2.0, container="mkv")))
    assert 1.9 <= found.fields["speech"]["segments"][0]["words"][0]["start"] <= 2.4


def test_a_film_without_sound_has_no_words_and_is_counted(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    result = studio.hear(listener, film())
    assert isinstance(result, Done)
    assert (studio.made(result).fields["transcript"], result.counters) == ("", {"no_sound": 1})
    assert studio.made(result).fields["speech"]["sound"] is False


def test_of_several_sound_tracks_the_chosen_one_is_heard_and_the_row_says_so(
    listener: Listener, tmp_path: Path
) -> None:
    path = film("noise", "university@1")
    first = Studio(tmp_path).hear(listener, path)
    second = Studio(tmp_path).hear(listener, path, track=1)
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert Studio(tmp_path).made(first).fields["transcript"] == ""
    assert Studio(tmp_path).made(second).fields["transcript"] == "university"
    assert second.message == "track 1 of 2 was heard"
    assert second.counters == {"more_tracks": 1}


def test_009_f04_what_was_heard_is_not_heard_again(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    before = len(listener.log())
    first, again = (studio.made(studio.hear(listener, film("holiday@1"))) for _ in range(2))
    assert first.fields == again.fields
    (request,) = listener.log()[before:]
    assert request["form"] == [16000, 1, 2]
    assert request["model"] == ["sphinx"]
    assert request["response_format"] == ["verbose_json"]
    assert request["timestamp_granularities[]"] == ["segment", "word"]
    # Only the speech is sent.
    assert request["seconds"] < 2.5


def test_long_speech_is_divided(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    before = len(listener.log())
    found = studio.made(studio.hear(listener, film("seven. monkey. elephant. university. holiday."), maxLength="2s"))
    requests = listener.log()[before:]
    assert len(requests) >= 2
    assert all(request["seconds"] <= 2.0 for request in requests)
    assert {"monkey", "holiday"} <= set(found.fields["transcript"].split())


@pytest.mark.parametrize("fault", ["no-words", "only-text", "outside", "backwards", "odd", "nan"])
def test_an_answer_that_is_no_transcript_is_one_row(fault: str, listener: Listener, tmp_path: Path) -> None:
    result = Studio(tmp_path).hear(listener, film(f"{TEXT}@1.5"), prompt=fault)
    assert isinstance(result, Failed), result
    assert result.reason == "bad_answer"
    assert result.message


def test_segments_do_where_the_server_knows_no_times_of_words(listener: Listener, tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    found = studio.made(studio.hear(listener, film(f"{TEXT}@1.5"), prompt="no-words", times="segment"))
    (segment,) = found.fields["speech"]["segments"]
    assert (segment["text"], "words" in segment) == ("seven", False)


def test_weights_that_are_no_silero_vad_are_refused_before_any_item(tmp_path: Path) -> None:
    wrong = tmp_path / "weights.onnx"
    wrong.write_bytes(b"not an onnx file")
    made = stage("transcribe", {**parameters("http://models/v1"), "voice": {"weights": {"uri": str(wrong)}}})
    with pytest.raises(SpecError, match="not a model of Silero VAD"):
        made.check_files(lambda ref: Path(ref.uri))
    stage("transcribe", parameters("http://models/v1")).check_files(lambda ref: Path(ref.uri))
