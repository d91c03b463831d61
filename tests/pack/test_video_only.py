"""Whole videos in tars: names, keys, jsons, shards, bytes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import footage
from pack.desk import assembled, packed, processed, stretches, tar_items, video_item
from pack.readers import document, names, patched, stock
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.stage import Done, Failed, Kept, Shard
from reelmill_stages.stages.pack.stage import PackStage

SHORT = {"seconds": 0.4, "fps": 10, "size": (64, 48)}


@pytest.fixture(scope="module")
def video() -> Path:
    return footage.video(**SHORT)


def items_of(video: Path, count: int) -> list[Item]:
    return [video_item(video, number, text=f"caption {number}") for number in range(count)]


def tars(folder: Path) -> list[Path]:
    return sorted(folder.glob("0*/*.tar"))


def test_001_f03_tars_hold_500_samples_by_default() -> None:
    assert PackBlock().samples_per_tar == 500


def test_001_f03_and_d12_tars_hold_as_many_samples_as_asked_and_the_last_partial_one_is_kept(
    tmp_path: Path, video: Path
) -> None:
    made = packed(PackBlock(samples_per_tar=4), items_of(video, 10), tmp_path / "set")
    assert [one.items[0].fields["samples"] for one in made] == [4, 4, 2]
    assert [len(stock(one.file.path)) for one in made] == [4, 4, 2]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 40), st.sampled_from([1, 7, 500]))
def test_001_f04_shards_are_disjoint_and_complete_and_cut_between_tars(total: int, shards: int, batch: int) -> None:
    found = stretches(total, shards, batch)
    assert [number for start, end in found for number in range(start, end)] == list(range(total))
    assert all(start % batch == 0 for start, _ in found)


@pytest.mark.parametrize("shards", [1, 2, 3, 9])
def test_001_f04_every_sample_is_in_exactly_one_tar_whatever_the_shards(
    tmp_path: Path, video: Path, shards: int
) -> None:
    made = packed(PackBlock(samples_per_tar=2), items_of(video, 9), tmp_path / "set", shards=shards)
    captions = [document(sample)["caption"] for one in made for sample in stock(one.file.path)]
    assert captions == [f"caption {number}" for number in range(9)]


def test_001_f04_the_bytes_of_tars_do_not_depend_on_the_number_of_shards(tmp_path: Path, video: Path) -> None:
    def contents(shards: int) -> list[bytes]:
        made = packed(PackBlock(samples_per_tar=2), items_of(video, 9), tmp_path / f"{shards}", shards=shards)
        return [one.file.path.read_bytes() for one in made]

    assert contents(1) == contents(2) == contents(4)


def test_001_f05_tars_are_named_after_shard_stretch_and_place(tmp_path: Path, video: Path) -> None:
    made = packed(PackBlock(samples_per_tar=2), items_of(video, 6), tmp_path / "set", shards=2)
    assert [one.file.name for one in made] == ["shard-0-0-4-0.tar", "shard-0-0-4-1.tar", "shard-1-4-6-0.tar"] or [
        one.file.name for one in made
    ] == ["shard-0-0-2-0.tar", "shard-1-2-6-0.tar", "shard-1-2-6-1.tar"]
    assert [one.items[0].key for one in made] == [one.file.name.removesuffix(".tar") for one in made]


def test_001_f05_names_never_recur_in_a_data_set_that_grows(tmp_path: Path, video: Path) -> None:
    block = PackBlock(samples_per_tar=2)
    first = packed(block, items_of(video, 3), tmp_path / "set", segment=1)
    second = packed(block, items_of(video, 3), tmp_path / "set", segment=2, first=3)
    names_ = [one.file.name for one in first + second]
    keys = [sample["__key__"] for tar in tars(tmp_path / "set") for sample in stock(tar)]
    assert len(set(names_)) == 4
    assert len(set(keys)) == 6


def test_001_f06_a_sample_is_a_json_with_caption_and_video_id_and_the_untouched_video(
    tmp_path: Path, video: Path
) -> None:
    (made,) = packed(PackBlock(), items_of(video, 2), tmp_path / "set")
    assert names(made.file.path) == ["000000000.json", "000000000.mp4", "000000001.json", "000000001.mp4"]
    second = stock(made.file.path)[1]
    assert document(second) == {"caption": "caption 1", "video_id": "000000001"}
    assert second["mp4"] == video.read_bytes()


def test_001_f06_a_conversation_is_packed_with_its_videos(tmp_path: Path, video: Path) -> None:
    turns = [{"from": "human", "value": "<video>\nwhat is it?"}, {"from": "gpt", "value": "a gradient"}]
    (made,) = packed(PackBlock(), [video_item(video, conversations=turns)], tmp_path / "set")
    assert document(stock(made.file.path)[0]) == {"conversations": turns, "videos": ["000000000"]}


def test_unique_keys_are_unique_over_all_tars_and_compat_keys_count_from_0_in_each(tmp_path: Path, video: Path) -> None:
    for keys, expected in (
        ("unique", ["000000007", "000000008", "000000009"]),
        ("compat", ["000000000", "000000001", "000000000"]),
    ):
        made = packed(PackBlock(samples_per_tar=2, keys=keys), items_of(video, 3), tmp_path / keys, first=7)
        assert [sample["__key__"] for one in made for sample in stock(one.file.path)] == expected
        assert [document(sample)["video_id"] for one in made for sample in stock(one.file.path)] == expected


def test_captions_of_any_language_and_length_come_back(tmp_path: Path, video: Path) -> None:
    texts = ["", "猫 jumps over 🐕", 'quotes " and \\ and {key}', "x" * 5000, "lone \ud800 surrogate", "\0\n\t"]
    items = [video_item(video, number, text=text) for number, text in enumerate(texts)]
    (made,) = packed(PackBlock(), items, tmp_path / "set")
    assert [document(sample)["caption"] for sample in stock(made.file.path)] == texts


def test_001_f10_the_sampler_is_chosen_by_name() -> None:
    assert [PackBlock(sampler=name).sampler for name in ("video_only", "un", "kf")] == ["video_only", "un", "kf"]


def test_001_f11_a_tar_needs_nothing_outside_of_itself(tmp_path: Path) -> None:
    copy = tmp_path / "gone.mp4"
    copy.write_bytes(footage.video(**SHORT).read_bytes())
    data = copy.read_bytes()
    (made,) = packed(PackBlock(), items_of(copy, 1), tmp_path / "set")
    copy.unlink()
    assert stock(made.file.path)[0]["mp4"] == data


def test_001_f12_webdataset_reads_a_whole_data_set(tmp_path: Path, video: Path) -> None:
    packed(PackBlock(samples_per_tar=3), items_of(video, 8), tmp_path / "set", shards=2)
    samples = stock(*tars(tmp_path / "set"))
    assert [document(sample)["caption"] for sample in samples] == [f"caption {number}" for number in range(8)]
    assert all({"json", "mp4"} <= sample.keys() for sample in samples)


def test_every_container_is_packed_untouched_as_mp4_and_counted(tmp_path: Path) -> None:
    webm = footage.video(**SHORT, container="webm", codec="libvpx", audio=False)
    mkv = footage.video(**SHORT, container="mkv", audio=False)
    part = tmp_path / "film.part0001"
    part.write_bytes(mkv.read_bytes())
    items = [video_item(webm, 0), video_item(mkv, 1), video_item(part, 2)]
    (made,) = packed(PackBlock(), items, tmp_path / "set")
    samples = stock(made.file.path)
    assert [sample["mp4"] for sample in samples] == [path.read_bytes() for path in (webm, mkv, part)]
    counted = [result.counters for _, result in processed(PackBlock(), items, tmp_path / "again")]
    assert counted == [{"container_webm": 1}, {"container_mkv": 1}, {"container_other": 1}]


def test_a_virtual_clip_has_no_bytes_to_pack_and_says_so(tmp_path: Path, video: Path) -> None:
    ((_, result),) = processed(PackBlock(), [video_item(video, span=(0.1, 0.3))], tmp_path)
    assert isinstance(result, Failed)
    assert result.reason == "virtual_clip"
    assert "un or kf" in result.message


def test_d11_every_sampler_of_the_document_writes_samples_and_an_unknown_one_is_refused(
    tmp_path: Path, video: Path
) -> None:
    for sampler in ("video_only", "un", "kf"):
        (made,) = packed(PackBlock(sampler=sampler), items_of(video, 2), tmp_path / sampler)
        assert len(stock(made.file.path)) == 2
    with pytest.raises(ValueError, match="sampler"):
        PackBlock(sampler="video-only")


def test_d13_an_unreadable_video_is_a_failed_item_with_a_reason_and_the_others_are_packed(
    tmp_path: Path, video: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video" * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    items = [video_item(path, number) for number, path in enumerate([video, broken, empty, video])]
    results = processed(PackBlock(samples_per_tar=2), items, tmp_path / "work")
    assert [type(result) for _, result in results] == [Done, Failed, Failed, Done]
    assert [result.reason for _, result in results[1:3]] == ["corrupt", "empty"]
    made = assembled(PackBlock(samples_per_tar=2), results, tmp_path / "set")
    assert [sample["__key__"] for one in made for sample in stock(one.file.path)] == ["000000000", "000000003"]
    assert [one.file.name for one in made] == ["shard-0-0-4-0.tar", "shard-0-0-4-1.tar"]


def test_what_failed_leaves_its_place_empty_and_a_tar_without_samples_is_not_written(
    tmp_path: Path, video: Path
) -> None:
    block = PackBlock(samples_per_tar=2)
    results = processed(block, items_of(video, 7), tmp_path / "work")
    for number in (1, 2, 3, 6):
        results[number] = (results[number][0], Failed("corrupt"))
    made = assembled(block, results, tmp_path / "set")
    assert [(one.file.name, one.items[0].fields["samples"], one.through) for one in made] == [
        ("shard-0-0-7-0.tar", 1, 0),
        ("shard-0-0-7-2.tar", 2, 5),
    ]


def test_a_full_tar_is_given_away_before_another_sample_is_taken(tmp_path: Path, video: Path) -> None:
    block = PackBlock(samples_per_tar=2)
    taken: list[int] = []

    def kept() -> Iterator[Kept]:
        for input_, result in processed(block, items_of(video, 5), tmp_path / "work"):
            assert isinstance(result, Done)
            taken.append(input_.number)
            yield Kept(input_, result)

    (tmp_path / "out").mkdir()
    seen = [len(taken) for _ in PackStage(block).assemble(kept(), Shard(0, 1, 0, 5, 1, tmp_path / "out"))]
    assert seen == [2, 4, 5]


def test_an_assembly_that_is_broken_off_leaves_no_unfinished_tar(tmp_path: Path, video: Path) -> None:
    block = PackBlock(samples_per_tar=2)
    results = processed(block, items_of(video, 3), tmp_path / "work")

    def kept() -> Iterator[Kept]:
        for input_, result in results:
            assert isinstance(result, Done)
            yield Kept(input_, result)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(PackStage(block).assemble(kept(), Shard(0, 1, 0, 9, 1, tmp_path)))
    assert [path.name for path in tmp_path.glob("*.tar")] == ["shard-0-0-9-0.tar"]


def test_equal_input_gives_equal_tars_byte_for_byte(tmp_path: Path, video: Path) -> None:
    def digests(folder: str) -> list[str]:
        made = packed(PackBlock(samples_per_tar=2), items_of(video, 5), tmp_path / folder)
        files = [file for one in made for file in (one.file, *one.items[0].files)]
        return [hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files]

    assert digests("one") == digests("two")


def test_packing_never_deletes_or_changes_the_source(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes(footage.video(**SHORT).read_bytes())
    before = source.read_bytes(), source.stat().st_mtime_ns
    packed(PackBlock(), items_of(source, 3), tmp_path / "set")
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before


def test_a_tars_item_says_what_is_in_it(tmp_path: Path, video: Path) -> None:
    made = packed(PackBlock(samples_per_tar=2), items_of(video, 3), tmp_path / "set", first=10)
    last = tar_items(made)[1]
    assert last.key == "shard-0-10-13-1"
    assert last.weight == made[1].file.path.stat().st_size
    digest = hashlib.sha256(b"000000012\n").hexdigest()
    assert json.loads(json.dumps(last.fields)) == {
        "samples": 1,
        "first": 12,
        "last": 12,
        "kinds": ["video_id"],
        "keys_digest": f"sha256:{digest}",
    }


def test_the_packing_pipelines_reader_keeps_samples_of_frames_only(tmp_path: Path, video: Path) -> None:
    for sampler, kept in (("video_only", 0), ("un", 2), ("kf", 2)):
        (made,) = packed(PackBlock(sampler=sampler), items_of(video, 2), tmp_path / sampler)
        assert len(patched(made.file.path)) == kept
