"""What the frames stage writes, opened as a trainer opens it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import footage
from frames.workplace import SIZE, Workplace, clip, done, item, row, run
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill_stages.stage import Done, Failed, Result, Skipped
from reelmill_stages.stages.frames.pickles import load
from reelmill_stages.stages.frames.reader import open_sample, open_samples
from reelmill_stages.stages.frames.rebuild import rebuild
from reelmill_stages.stages.frames.stage import FramesStage
from reelmill_stages.weight import Weight

NATIVE = {"width": SIZE[0], "height": SIZE[1]}


def numbers(result: Done, order: int = -1) -> list[int]:
    """The numbers that the stored frames show, frames stored at the video's own size."""
    (made,) = result.items
    frames = load(next(file.path for file in made.files if file.name.endswith("video_input.pkl")))
    return [footage.frame_number(frame[:, :, ::order]) for frame in frames]


def reasons(results: list[Result] | tuple[Result, ...] | Any) -> list[str]:
    return [result.reason if isinstance(result, Failed | Skipped) else "done" for result in results]


def test_000_f07_a_sample_is_a_folder_with_exactly_three_files(tmp_path: Path) -> None:
    (made,) = done(tmp_path, item(clip(), 12)).items
    names = ["video_input.pkl", "text_input.pkl", "size.json"]
    assert [file.name for file in made.files] == [f"sample_000012_abcdefghijk/{name}" for name in names]
    sample = open_sample(tmp_path / "sample_000012_abcdefghijk")
    assert (sample.tokens.shape, sample.tokens.dtype, sample.tokens[0]) == ((77,), np.int64, 49406)
    assert sample.size == [0.25] * 16
    assert sorted(path.name for path in sample.folder.iterdir()) == sorted(names)


def test_000_f08_sixteen_frames_of_160_by_256_unless_told_otherwise(tmp_path: Path) -> None:
    done(tmp_path / "a", item(clip()))
    done(tmp_path / "b", item(clip()), count=32, height=64, width=96)
    assert [sample.frames.shape for sample in open_samples(tmp_path / "a")] == [(16, 160, 256, 3)]
    assert [sample.frames.shape for sample in open_samples(tmp_path / "b")] == [(32, 64, 96, 3)]


def test_000_p3_a_count_that_breaks_the_loader_is_refused_for_its_layout_only() -> None:
    assert "multiple of 16" in FramesBlock(count=20).refusals()[0]
    assert FramesBlock(count=20, layout="npy").refusals() == []
    assert FramesBlock(all=True, fps=2).refusals() != []
    assert FramesBlock(layout="jpg", color="bgr").refusals() != []


def test_000_p6_frames_are_bgr_for_clip4mc_and_rgb_when_asked(tmp_path: Path) -> None:
    bgr, rgb = done(tmp_path / "bgr", item(clip())), done(tmp_path / "rgb", item(clip()), color="rgb")
    first, second = (load(result.items[0].files[0].path) for result in (bgr, rgb))
    assert np.array_equal(first, second[..., ::-1])


def test_d7_the_frames_are_those_that_the_trainers_loader_takes_of_all_frames(tmp_path: Path) -> None:
    whole = done(tmp_path / "all", item(clip()), all=True, **NATIVE)
    frames = load(whole.items[0].files[0].path)
    assert len(frames) == 64
    assert numbers(whole)[:50] == list(range(50))
    assert (frames[50:] == frames[49]).all()
    strided = frames[:: len(frames) // 16]
    sampled = load(done(tmp_path / "16", item(clip()), **NATIVE).items[0].files[0].path)
    assert np.array_equal(strided, sampled)


def test_d7_asking_for_a_gpu_changes_no_frame(tmp_path: Path) -> None:
    cpu = done(tmp_path / "cpu", item(clip()), device="cpu", **NATIVE)
    (gpu,) = run(tmp_path / "gpu", [item(clip())], gpu=0, device="gpu", **NATIVE)
    assert isinstance(gpu, Done)
    assert numbers(cpu) == numbers(gpu)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ("loader", [min(4 * number, 49) for number in range(16)]),
        ("linspace", [number * 49 // 15 for number in range(16)]),
        ("segments", [(2 * number + 1) * 50 // 32 for number in range(16)]),
    ],
)
def test_each_sampling_takes_its_frames(sampling: str, expected: list[int], tmp_path: Path) -> None:
    assert numbers(done(tmp_path, item(clip()), sampling=sampling, **NATIVE)) == expected


def test_frames_per_second_are_those_on_screen_at_the_time(tmp_path: Path) -> None:
    result = done(tmp_path, item(clip()), fps=5, layout="npy", **NATIVE)
    frames = np.load(result.items[0].files[0].path)
    assert [footage.frame_number(frame) for frame in frames] == list(range(0, 50, 5))


def test_jpeg_layout_holds_one_picture_a_frame(tmp_path: Path) -> None:
    result = done(tmp_path, item(clip(), text=...), layout="jpg", count=3)
    assert [file.name for file in result.items[0].files] == [
        f"sample_000000_abcdefghijk/{number:06d}.jpg" for number in range(3)
    ]


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_other_shapes_are_fitted_without_distortion(fit: str, tmp_path: Path) -> None:
    result = done(tmp_path, item(clip()), fit=fit, width=64, height=64, layout="npy", count=1)
    (frame,) = np.load(result.items[0].files[0].path)
    assert frame.shape == (64, 64, 3)
    assert bool((frame[:12] == 0).all()) is (fit == "letterbox")


def test_a_clip_shorter_than_the_count_says_how_much_is_padding(tmp_path: Path) -> None:
    short = item(clip(), span=(0.4, 0.8))
    result = done(tmp_path, short, **NATIVE)
    assert numbers(result) == [*range(10, 20), *[19] * 6]
    assert result.items[0].provenance["padded"] == 6
    assert result.counters == {"padded": 1}


def test_d8_clips_of_one_video_are_decoded_in_one_pass_and_keep_their_own_captions(tmp_path: Path) -> None:
    """Feature 6 as well: several clips of one source video."""
    group = [
        item(clip(), number, (start, start + 0.64), text=f"caption {number}")
        for number, start in enumerate((0.4, 1.2, 0.0))
    ]
    work = Workplace(tmp_path)
    results = FramesStage(FramesBlock(**NATIVE)).process(group, work)
    assert work.fetched == [str(clip())]
    assert [numbers(result)[0] for result in results if isinstance(result, Done)] == [10, 30, 0]
    tokens = {tuple(sample.tokens.tolist()) for sample in open_samples(tmp_path)}
    assert len(tokens) == 3


def test_a_row_of_a_source_that_names_a_span_means_the_span(tmp_path: Path) -> None:
    assert numbers(done(tmp_path, item(clip(), start=0.4, end=1.04), **NATIVE)) == list(range(10, 26))


def test_000_f11_what_no_gpu_can_decode_the_cpu_does_and_it_is_counted(tmp_path: Path) -> None:
    (result,) = run(tmp_path, [item(clip())], gpu=99, device="auto")
    assert isinstance(result, Done)
    assert result.counters == {"gpu_fallback": 1, "gpu_fallback_driver": 1}
    told = result.items[0].provenance["gpu_fallback"]
    assert told["reason"] == "driver"
    assert "cuda" in told["message"].lower()
    (plain,) = run(tmp_path / "plain", [item(clip())], gpu=None, device="auto")
    assert isinstance(plain, Done)
    assert plain.counters == {}
    (without,) = run(tmp_path / "without", [item(clip())], gpu=None, device="gpu")
    assert isinstance(without, Done)
    assert without.counters == {"gpu_fallback": 1, "gpu_fallback_no_gpu": 1}


def test_000_f15_max_samples_skips_the_rest_by_position(tmp_path: Path) -> None:
    group = [item(clip(), number, (0.0, 0.64)) for number in range(4)]
    assert reasons(run(tmp_path, group, maxSamples=2)) == ["done", "done", "cap", "cap"]


def test_000_f20_one_clip_with_other_settings_gives_other_samples(tmp_path: Path) -> None:
    sizes = [
        open_sample(done(tmp_path / str(count), item(clip()), count=count).items[0].files[0].path.parent).frames.shape[
            0
        ]
        for count in (16, 32, 48)
    ]
    assert sizes == [16, 32, 48]


@pytest.mark.parametrize("text", [None, 7, ["a"], "half \ud83d a pair", ...])
def test_d6_a_caption_that_is_not_text_fails_and_gets_no_made_up_tokens(text: Any, tmp_path: Path) -> None:
    assert reasons(run(tmp_path, [item(clip(), text=text)])) == ["bad_text"]


def test_d6_unreadable_frames_fail_their_clip_and_leave_the_others(tmp_path: Path) -> None:
    source = clip()
    data = bytearray(source.read_bytes())
    import av

    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    key = [packet for packet in packets if packet.is_keyframe][2]
    data[key.pos + 100 : key.pos + key.size] = bytes(key.size - 100)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    group = [item(broken, number, span) for number, span in enumerate(((0, 0.9), (0.9, 1.4), (1.5, 2.0)))]
    results = run(tmp_path / "out", group)
    assert reasons(results)[0] == "done"
    assert reasons(results)[1] in {"corrupt", "decode_error"}
    assert reasons(results)[2] == "done"


@pytest.mark.parametrize(
    "size", [[0.1] * 15, [0.1] * 17, [], [None] * 16, ["0.1"] * 16, [True] * 16, 0.5, [float("nan")] * 16]
)
def test_000_p2_a_size_that_breaks_a_batch_fails(size: Any, tmp_path: Path) -> None:
    assert reasons(run(tmp_path, [item(clip(), size=size)])) == ["bad_size"]


def test_000_p2_size_passes_through_as_floats_even_when_the_source_wrote_integers(tmp_path: Path) -> None:
    result = done(tmp_path, item(clip(), size=[0, 1] * 8))
    assert (result.items[0].files[2].path).read_text() == json.dumps([0.0, 1.0] * 8)


def test_an_absent_size_becomes_placeholders_and_says_so(tmp_path: Path) -> None:
    result = done(tmp_path, item(clip(), size=...))
    assert result.items[0].fields["size"] == [0.5] * 16
    assert result.items[0].fields["size_placeholder"] is True
    assert result.counters == {"size_placeholder": 1}


def test_a_file_that_cannot_be_read_fails_every_item_of_it(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    assert reasons(run(tmp_path, [item(tmp_path / "bad.mp4", number) for number in range(2)])) == ["corrupt"] * 2


def test_a_span_behind_the_end_of_the_video_fails(tmp_path: Path) -> None:
    results = run(tmp_path, [item(clip(), 0, (5, 6)), item(clip(), 1, start=3, end=1), item(clip(), 2, start="x")])
    assert reasons(results) == ["zero_duration", "bad_span", "bad_span"]


def test_provenance_names_source_frames_times_decoder_and_versions(tmp_path: Path) -> None:
    made = done(tmp_path, item(clip(), span=(0.4, 1.04))).items[0]
    provenance = made.provenance
    assert provenance["source"]["uri"] == str(clip())
    assert provenance["source"]["etag"] == "e1"
    assert provenance["source"]["span"] == [0.4, 1.04]
    assert provenance["time_base"] == "1/12800"
    assert (provenance["in_pts"], provenance["out_pts"]) == (5120, 13312)
    assert provenance["frames"] == list(range(10, 26))
    assert provenance["pts"] == [512 * frame for frame in range(10, 26)]
    assert provenance["decoder"] == "h264"
    assert {"reelmill", "av", "libavcodec"} <= set(provenance["versions"])
    assert made.fields["vid"] == "abcdefghijk"
    json.dumps(dict(provenance))


@pytest.mark.parametrize(
    "params",
    [{}, {"all": True, "fit": "crop", "tokenizer": "clip-open"}, {"layout": "jpg"}, {"layout": "npy", "fps": 3}],
)
def test_a_sample_can_be_rebuilt_from_its_row_and_its_source_alone(params: dict[str, Any], tmp_path: Path) -> None:
    given = item(clip(), 3, (0.4, 1.5))
    result = done(tmp_path / "first", given, **params)
    paths = rebuild(row(result, given), clip(), tmp_path / "again")
    first = {file.path.name: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in result.items[0].files}
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths} == first
    assert paths[0].parent.name == "sample_000003_abcdefghijk"


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    one, two = (done(tmp_path / name, item(clip())) for name in ("one", "two"))
    assert [file.path.read_bytes() for file in one.items[0].files] == [
        file.path.read_bytes() for file in two.items[0].files
    ]


def test_the_forecast_is_the_size_of_what_is_written(tmp_path: Path) -> None:
    result = done(tmp_path, item(clip()))
    written = sum(file.path.stat().st_size for file in result.items[0].files)
    assert FramesStage(FramesBlock()).forecast(1, Weight(seconds=2.0)) == pytest.approx(written, rel=0.05)


@pytest.mark.parametrize("taken", [{"all": True}, {"fps": 2.0}])
def test_how_many_frames_are_taken_per_second_is_unknown_where_durations_are(taken: dict[str, Any]) -> None:
    stage = FramesStage(FramesBlock(layout="npy", **taken))
    assert stage.forecast(1, Weight(bytes=4e9)) is None
    assert stage.forecast(2, Weight(seconds=1.0, bytes=1.0)) is None
    assert stage.forecast(1, Weight(unknown=1.0)) is None
    assert (stage.forecast(1, Weight(seconds=1.0)) or 0) < 100e6
