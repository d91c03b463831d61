import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import footage
from caption.booth import Booth
from caption.test_prompts import block
from reelmill.contract.records.rows import Media, Span
from reelmill_stages.model_servers.answers import NoAnswers
from reelmill_stages.stage import Done, Failed, Skipped
from reelmill_stages.stages.caption.pictures import frames
from servers.models import Models


def test_an_item_keeps_its_media_and_gains_its_caption(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    result = booth.ask(models, "a bar", frames=4, item={"vid": "v1"}, prompt="What is it? {text}")
    found = booth.made(result)
    assert found.media == booth.item("a").media
    assert (found.files, found.fields["vid"]) == ((), "v1")
    assert found.fields["text"] == "4 pictures: What is it? a bar"
    assert found.provenance["replaced"] == "a bar"
    assert isinstance(result, Done)
    assert result.message == "100 + 20 tokens"


def test_007_f03_the_request_is_what_the_block_says(models: Models, tmp_path: Path) -> None:
    schema = {"type": "object"}
    params = {"system": "You see {text}.", "schema": schema, "field": "seen", "extra": {"top_p": 0.5}, "seed": 7}
    booth = Booth(tmp_path)
    found = booth.made(booth.ask(models, "request do=schema", textProperty="caption", **params))
    assert found.fields["seen"] == {"caption": "a bar that moves", "people": 2}
    assert found.fields["text"] == "a bar that moves"
    request = models.log()[-1]
    assert request["roles"] == ["system", "user"]
    assert request["rest"] == {
        "model": "looker", "temperature": 0.0, "seed": 7, "max_tokens": 512, "top_p": 0.5,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}},
    }  # fmt: skip
    assert {picture["type"] for picture in request["pictures"]} == {"data:image/jpeg;base64"}


def test_a_question_is_asked_once(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    first, again = (booth.made(booth.ask(models, "once")) for _ in range(2))
    assert first.fields == again.fields
    assert models.prompts().count("once") == 1
    # Only what the answer depends on makes a new question.
    booth.ask(models, "once", concurrency=3, timeout="9s")
    booth.ask(models, "once", frames=3)
    assert models.prompts().count("once") == 2


def test_after_the_budget_items_are_skipped_but_kept_answers_are_used(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    limits = {"tokens": 240}
    for text in ("b1", "b2"):
        assert isinstance(booth.ask(models, text, limits=limits), Done)
    stopped = booth.ask(models, "b3", limits=limits)
    assert isinstance(stopped, Skipped)
    assert (stopped.reason, "b3" in models.prompts()) == ("budget", False)
    assert isinstance(booth.ask(models, "b1", limits=limits), Done)
    assert isinstance(booth.ask(models, "b3", limits={"tokens": 241}), Done)


def test_frames_are_those_of_the_span_in_order(tmp_path: Path) -> None:
    film = footage.video(seconds=2.0, fps=10, size=(192, 112), audio=False)
    booth = Booth(tmp_path, {"s3://raw/v.mp4": film})
    media = Media("s3://raw/v.mp4", 1, span=Span(1.0, 2.0))
    shown = [Image.open(io.BytesIO(data)) for data in frames(media, booth, block(frames=5))]
    assert [image.size for image in shown] == [(192, 112)] * 5
    assert [footage.frame_number(np.asarray(image)) for image in shown] == [11, 13, 15, 17, 19]


def test_frames_are_scaled_down_to_the_longer_side(tmp_path: Path) -> None:
    film = footage.video(seconds=1.0, fps=10, size=(192, 112), audio=False)
    booth = Booth(tmp_path, {"s3://raw/v.mp4": film})
    (data,) = frames(Media("s3://raw/v.mp4", 1), booth, block(frames=1, maxSide=96))
    assert Image.open(io.BytesIO(data)).size == (96, 56)


def test_007_f01_a_video_is_sent_as_its_own_bytes(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    booth.ask(models, "the file", send="video")
    (sent,) = models.log()[-1]["pictures"]
    path = booth.files["s3://raw/v.mp4"]
    assert (sent["type"], sent["size"]) == ("data:video/mp4;base64", path.stat().st_size)


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (None, "no_media"),
        (Media("s3://raw/v.mp4", 100, span=Span(0.0, 0.5)), "virtual_clip"),
        (Media("s3://raw/v.mp4", 2**26), "too_large"),
        (Media("s3://raw/gone.mp4", 100), "missing"),
    ],
)
def test_a_file_that_cannot_be_sent_is_one_row(
    media: Media | None, reason: str, models: Models, tmp_path: Path
) -> None:
    from dataclasses import replace

    from reelmill_stages.registry import stage
    from reelmill_stages.stage import Input

    booth = Booth(tmp_path)
    item = replace(booth.item("a", footage.video(seconds=1.0, fps=10, size=(96, 64), audio=False)), media=media)
    made = stage("caption", {"server": {"url": models.url}, "model": "looker", "send": "video"})
    (result,) = made.process([Input(item, 0)], booth)
    assert isinstance(result, Failed)
    assert result.reason == reason


def test_outside_of_a_data_set_nothing_is_kept_and_nothing_is_forbidden() -> None:
    answers = NoAnswers()
    answers.spend({"tokens": 100})
    assert answers.keep("q", "a") == "a"
    assert answers.find("q") is None
    assert answers.allows("tokens", 1)
