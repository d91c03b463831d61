"""The tokenize stage: what it writes, field by field, and what becomes of samples that it cannot use."""

import io
import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from pack.desk import Gathered, tar_items
from pack.readers import names, patched, stock
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import Done, Failed
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from reelmill_stages.tokens.tokenizer import load
from tokens.desk import block, packed, packs, picture, processed, sample, tar

ONE_IMAGE = [32001, *[32000] * 256, 32002]


def losses(made) -> list[dict]:
    return [
        json.loads(line)
        for one in made
        for item in one.items
        for file in item.files
        if file.name.endswith(".losses.jsonl")
        for line in file.path.read_text().splitlines()
    ]


@pytest.mark.parametrize("kind", ["sentencepiece", "json"])
def test_001_f13_the_tokenizer_is_llama_2_style_or_any_other_file(tmp_path: Path, kind: str) -> None:
    made = block(tmp_path, kind, patches_per_image=4)
    tokenizer = load(Path(made.tokenizer.uri))
    path = tar(tmp_path / "a.tar", [sample("a girl sitting in a park")])
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    symbols = tokenizer.symbols
    text = tokenizer.encode(["a girl sitting in a park"])[0]
    assert read["input_ids"] == [1, symbols.start, *[symbols.patch] * 4, symbols.end, *text, 2]
    assert (symbols.patch, symbols.start, symbols.end) == (
        (32000, 32001, 32002) if kind == "sentencepiece" else (200, 201, 202)
    )


def test_001_f14_a_pack_has_input_ids_and_a_loss_mask_and_the_originals_other_fields(tmp_path: Path) -> None:
    made = block(tmp_path)
    tokenizer = load(Path(made.tokenizer.uri))
    path = tar(tmp_path / "a.tar", [sample("two dogs", 2), sample("a girl", 1)])
    ((key, read, images),) = packs(packed(made, [path], tmp_path / "out"))
    dogs, girl = tokenizer.encode(["two dogs", "a girl"])
    assert list(read) == ["input_ids", "loss_mask", "text", "image", "document_offsets", "position_ids"]
    # The first sample keeps its beginning, the others lose theirs.
    assert read["input_ids"] == [1, *ONE_IMAGE * 2, *dogs, 2, *ONE_IMAGE, *girl, 2]
    assert read["loss_mask"] == [0, *[0] * 516, *[1] * (len(dogs) + 1), *[0] * 258, *[1] * (len(girl) + 1)]
    place = "<im_start>" + "<im_patch>" * 256 + "<im_end>"
    assert read["text"] == [f"<s>{place * 2}\ntwo dogs</s>", f"<s>{place}\na girl</s>"]
    assert read["image"] == ["0", "1", "2"]
    assert list(images.values()) == [picture(0), picture(1), picture(0)]
    first = 518 + len(dogs)
    assert read["document_offsets"] == [0, first, first + 259 + len(girl)]
    assert read["position_ids"] == [*range(first), *range(259 + len(girl))]
    assert key == "000000-000000"


def test_001_f14_packs_of_8000_are_the_default_and_every_one_is_shorter(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", [sample(images=5) for _ in range(13)])
    found = [read for _, read, _ in packs(packed(block(tmp_path), [path], tmp_path / "out"))]
    assert [len(read["document_offsets"]) - 1 for read in found] == [6, 6, 1]
    assert all(7000 < len(read["input_ids"]) < 8000 for read in found[:2])


def test_001_f14_the_prompt_of_kf_keeps_the_place_in_time_of_each_image(tmp_path: Path) -> None:
    made = block(tmp_path)
    tokenizer = load(Path(made.tokenizer.uri))
    path = tar(tmp_path / "a.tar", [sample("two dogs", 2, prompt="<Iimage>#0<Pimage>#43")])
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    zero, later, dogs = tokenizer.encode(["#0", "#43", "two dogs"])
    assert read["input_ids"] == [1, *ONE_IMAGE, *zero, *ONE_IMAGE, *later, *dogs, 2]


def test_001_f14_conversations_are_masked_turn_by_turn(tmp_path: Path) -> None:
    made = block(tmp_path, patches_per_image=2)
    tokenizer = load(Path(made.tokenizer.uri))
    said = [
        {"from": "human", "value": "<video>\nwhat is the man doing?"},
        {"from": "gpt", "value": "riding a horse"},
        {"from": "human", "value": "along the beach?"},
        {"from": "gpt", "value": "the beach"},
    ]
    path = tar(tmp_path / "a.tar", [sample("", 2, conversations=said)])
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    one, two, three, four = tokenizer.encode(
        ["\nwhat is the man doing?", "riding a horse", "along the beach?", "the beach"]
    )
    image = [32001, 32000, 32000, 32002]
    assert read["input_ids"] == [1, *image, *image, *one, *two, 2, *three, *four, 2]
    learned = [0] * (9 + len(one)) + [1] * (len(two) + 1) + [0] * len(three) + [1] * (len(four) + 1)
    assert read["loss_mask"] == learned


def test_001_f15_stretches_of_tars_tile_the_input_without_overlap_whatever_the_shards(tmp_path: Path) -> None:
    tars = [tar(tmp_path / f"in/{number}.tar", [sample(f"two dogs {number}", 1)] * 4) for number in range(11)]
    made = block(tmp_path, tars_per_tar=2, max_tokens=600)
    whole = packed(made, tars, tmp_path / "one")
    assert [one.file.name for one in whole] == [
        f"shard_0-{first}-{min(first + 2, 11)}.tar" for first in range(0, 11, 2)
    ]
    assert sum(one.items[0].fields["samples_in"] for one in whole) == 44
    for shards in (2, 3, 6):
        again = packed(made, tars, tmp_path / f"in {shards}", shards=shards)
        assert [one.file.path.read_bytes() for one in again] == [one.file.path.read_bytes() for one in whole]


def test_001_p1_both_readers_see_the_same_packs(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", [sample(images=2) for _ in range(3)])
    for keys in ("unique", "compat"):
        (made,) = packed(block(tmp_path, max_tokens=600, keys=keys), [path], tmp_path / keys)
        ours, theirs = stock(made.file.path), patched(made.file.path)
        assert [one["__key__"] for one in ours] == [one["__key__"] for one in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert {name: one[name] for name in one if not name.startswith("__")} == {
                name: other[name] for name in other if name != "__key__"
            }
    assert names(made.file.path)[:3] == ["0-1.json", "0-1.0.jpg", "0-1.1.jpg"]


def test_001_p6_compat_keys_are_those_of_the_sample_that_closed_the_pack_and_the_tail_has_its_own(
    tmp_path: Path,
) -> None:
    tars = [tar(tmp_path / f"{number}.tar", [sample(images=1) for _ in range(3)]) for number in range(2)]
    made = packed(block(tmp_path, max_tokens=600, keys="compat"), tars, tmp_path / "out")
    assert [key for key, _, _ in packs(made)] == ["0-2", "1-1", "1-3"]


def test_001_p6_an_over_long_sample_closes_the_pack_before_it(tmp_path: Path) -> None:
    samples = [sample(images=1), sample(images=3), sample(images=1)]
    made = packed(block(tmp_path, max_tokens=600), [tar(tmp_path / "a.tar", samples)], tmp_path / "out")
    assert [read["image"] for _, read, _ in packs(made)] == [["0"], ["0"]]
    (lost,) = losses(made)
    assert (lost["reason"], lost["key"], lost["tar"]) == ("too_long", "000000001", 0)


def test_d12_every_sample_is_packed_or_counted_with_its_reason(tmp_path: Path) -> None:
    samples = [
        sample(images=1),
        sample(images=40),
        sample(images=2, prompt="<image>"),
        sample(images=1, image_name_list=["000000003-7"]),
        {**sample(images=1), "0.jpg": b"no image"},
        sample("", images=1),
        {"json": b"{"},
        sample(conversations=[{"from": "nobody", "value": "x"}]),
        sample(images=1),
    ]
    made = block(tmp_path)
    path = tar(tmp_path / "a.tar", samples)
    ((_, result),) = processed(made, [path], tmp_path / "work")
    assert isinstance(result, Done)
    expected = {
        "too_long": 1,
        "image_count": 1,
        "image_missing": 1,
        "bad_image": 1,
        "no_text": 1,
        "bad_json": 1,
        "bad_turn": 1,
    }
    assert result.counters["documents"] == 2
    assert {name: count for name, count in result.counters.items() if name.startswith("left_out_")} == {
        f"left_out_{reason}": count for reason, count in expected.items()
    }
    assert result.message.startswith("left out of 9 samples: 1 bad_image, 1 bad_json")
    out = packed(made, [path], tmp_path / "out")
    assert Counter(lost["reason"] for lost in losses(out)) == expected
    (item,) = out[0].items
    assert item.fields["left_out"] == dict(sorted(expected.items()))
    assert item.fields["samples_in"] == 9 == item.fields["documents"] + sum(expected.values())


@pytest.mark.parametrize("kind", ["sentencepiece", "json"])
def test_a_text_with_half_a_character_costs_its_sample_and_no_other(tmp_path: Path, kind: str) -> None:
    half = {"from": "gpt", "value": "dogs \udc00"}
    samples = [
        sample("two dogs"),
        sample("two \ud800 dogs"),
        sample(prompt="<image>\ud83d"),
        sample(conversations=[half]),
        sample("two \U0001f600 dogs"),
    ]
    made = block(tmp_path, kind)
    path = tar(tmp_path / "a.tar", samples)
    ((_, result),) = processed(made, [path], tmp_path / "work")
    assert isinstance(result, Done)
    assert [(loss["key"], loss["reason"]) for loss in result.fields["losses"]] == [
        (f"{number:09d}", "bad_json") for number in (1, 2, 3)
    ]
    assert "\\ud800" in result.fields["losses"][0]["message"]
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    assert [text.rpartition("\n")[2] for text in read["text"]] == ["two dogs</s>", "two \U0001f600 dogs</s>"]


def test_d12_the_last_partial_pack_of_every_tar_is_kept(tmp_path: Path) -> None:
    tars = [tar(tmp_path / f"{number}.tar", [sample(images=1)]) for number in range(3)]
    for packing in ("greedy", "best-fit"):
        made = packed(block(tmp_path, tars_per_tar=1, packing=packing), tars, tmp_path / packing)
        assert [one.items[0].fields["documents"] for one in made] == [1, 1, 1]


def test_d13_a_tar_that_cannot_be_read_or_used_is_a_failed_item_with_its_reason(tmp_path: Path) -> None:
    good = tar(tmp_path / "good.tar", [sample()])
    cut = tmp_path / "cut.tar"
    cut.write_bytes(good.read_bytes()[:1500])
    useless = tar(tmp_path / "useless.tar", [sample("", 0), sample("", 0)])
    empty = tar(tmp_path / "empty.tar", [])
    results = [result for _, result in processed(block(tmp_path), [cut, useless, empty, good], tmp_path / "work")]
    assert [result.reason if isinstance(result, Failed) else "" for result in results] == [
        "bad_tar", "no_documents", "no_documents", "",
    ]  # fmt: skip
    assert results[1].message == "no sample can be used, of 2 samples: 2 no_text"


@pytest.mark.parametrize("kind", ["sentencepiece", "json"])
def test_a_tokenizer_without_the_needed_symbols_is_refused_by_their_names(tmp_path: Path, kind: str) -> None:
    made = block(tmp_path, kind, {"symbols": ("<im_start>",)})
    with pytest.raises(SpecError, match="<im_patch>, <im_end>"):
        TokenizeStage(made).check_files(lambda ref: Path(ref.uri))


def test_a_file_that_is_not_a_tokenizer_is_refused(tmp_path: Path) -> None:
    for data in (b"\xff\x00nonsense", b'{"version": 1}', b""):
        made = block(tmp_path)
        Path(made.tokenizer.uri).write_bytes(data)
        with pytest.raises(SpecError, match="not a tokenizer"):
            TokenizeStage(made).check_files(lambda ref: Path(ref.uri))


@pytest.mark.parametrize("kind", ["sentencepiece", "json", "json without a token for unknown characters"])
def test_a_caption_in_a_script_that_the_tokenizer_lacks_costs_its_sample_and_no_other(
    tmp_path: Path, kind: str
) -> None:
    made = block(tmp_path, kind.split()[0])
    file = Path(made.tokenizer.uri)
    if "without" in kind:
        read = json.loads(file.read_text())
        read["model"]["unk_token"] = None
        file.write_text(json.dumps(read))
    asked = {"from": "human", "value": "что это?"}
    samples = [
        sample("two dogs"),
        sample("две собаки"),
        sample(conversations=[asked, {"from": "gpt", "value": "собаки"}, {"from": "gpt", "value": "לא"}]),
        sample(conversations=[asked, {"from": "gpt", "value": "собаки"}, {"from": "gpt", "value": "two dogs"}]),
        sample("two собаки"),
        sample("!"),
        sample("猫在睡觉"),
    ]
    ((_, result),) = processed(made, [tar(tmp_path / "a.tar", samples)], tmp_path / "work")
    assert isinstance(result, Done)
    assert [(loss["key"], loss["reason"]) for loss in result.fields["losses"]] == [
        (f"{number:09d}", "unknown_script") for number in (1, 2)
    ]
    assert "'две собаки'" in result.fields["losses"][0]["message"]
    assert result.counters["documents"] == 5
    assert result.counters.get("unknown_characters", 0) == (0 if "without" in kind else 3)


def test_a_symbol_that_is_also_the_token_of_unknown_characters_is_not_counted_as_one(tmp_path: Path) -> None:
    made = block(tmp_path, "json")
    file = Path(made.tokenizer.uri)
    read = json.loads(file.read_text())
    read["model"]["unk_token"] = "</s>"
    file.write_text(json.dumps(read))
    ((_, result),) = processed(made, [tar(tmp_path / "a.tar", [sample("two dogs")])], tmp_path / "work")
    assert isinstance(result, Done)
    assert (result.counters["documents"], result.counters.get("unknown_characters", 0)) == (1, 0)


def test_001_p6_symbols_inside_captions_are_escaped_and_counted(tmp_path: Path) -> None:
    made = block(tmp_path, "json")
    path = tar(tmp_path / "a.tar", [sample("a <im_patch> in </s> the <s> park"), sample("plain")])
    ((_, result),) = processed(made, [path], tmp_path / "work")
    assert result.counters["escaped"] == 1
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    ids = read["input_ids"]
    assert (ids.count(200), ids.count(1), ids.count(2)) == (512, 1, 2)
    assert read["text"][0].endswith("\na < im_patch> in < /s> the < s> park</s>")


def test_a_harmless_text_is_never_changed(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", [sample("a <im_patch> in </s> the park")])
    made = block(tmp_path)  # a sentencepiece model never finds its control symbols in a text
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    assert read["text"][0].endswith("\na <im_patch> in </s> the park</s>")
    assert read["input_ids"].count(32000) == 256


def test_001_f11_images_beyond_the_longest_side_keep_their_shape_or_are_squashed_as_before(tmp_path: Path) -> None:
    one = {"json": {"prompt": "<image><image><image>", "txt": "two dogs"}, "0.jpg": picture(1, (2560, 640)),
           "1.jpg": picture(2, (1280, 720)), "2.png": picture(3, (20, 10), "PNG")}  # fmt: skip
    path = tar(tmp_path / "a.tar", [one])
    for fit, size in (("keep", (1280, 320)), ("squash", (1280, 1280))):
        ((_, _, images),) = packs(packed(block(tmp_path, image_fit=fit), [path], tmp_path / fit))
        sizes = [Image.open(io.BytesIO(data)).size for data in images.values()]
        assert sizes == [size, (1280, 720), (20, 10)]
        assert images["1"] == one["1.jpg"]
        assert Image.open(io.BytesIO(images["2"])).format == "JPEG"


def test_an_over_long_answer_is_cut_where_that_is_asked_for_and_images_never_are(tmp_path: Path) -> None:
    samples = [sample("two dogs run over the grass " * 40, 1), sample(images=3)]
    made = block(tmp_path, max_tokens=400, overlong="cut")
    path = tar(tmp_path / "a.tar", samples)
    ((_, result),) = processed(made, [path], tmp_path / "work")
    assert (result.counters["cut"], result.counters["left_out_too_long"]) == (1, 1)
    ((_, read, _),) = packs(packed(made, [path], tmp_path / "out"))
    assert len(read["input_ids"]) == 399
    assert read["input_ids"].count(32000) == 256


def test_best_fit_makes_fewer_and_fuller_packs_and_reports_the_share(tmp_path: Path) -> None:
    samples = [sample(images=count) for count in [3, 3, 3, 1, 1, 1] * 3]
    path = tar(tmp_path / "a.tar", samples)
    fill = {}
    for packing in ("greedy", "best-fit"):
        (made,) = packed(block(tmp_path, packing=packing, max_tokens=1100), [path], tmp_path / packing)
        fields = made.items[0].fields
        tokens = sum(len(read["input_ids"]) for _, read, _ in packs([made]))
        assert fields["tokens"] == tokens == made.counters["packed_tokens"]
        assert fields["fill"] == round(tokens / (fields["samples"] * 1099), 4)
        fill[packing] = fields["fill"]
    assert fill["best-fit"] > 0.95 > 0.8 > fill["greedy"]


def test_the_views_say_what_the_packs_are_made_of_and_what_was_left_out(tmp_path: Path) -> None:
    made = block(tmp_path)
    out = packed(made, [tar(tmp_path / "a.tar", [sample(), sample("", 0)])], tmp_path / "out")
    files = {
        file.name: file.path.read_text()
        for file in TokenizeStage(made).present(Gathered(tar_items(out), tmp_path / "views"), {})
    }
    assert sorted(files) == [
        ".nv-meta/.info.json",
        ".nv-meta/dataset.yaml",
        ".nv-meta/split.yaml",
        "README.md",
        "tokens.json",
    ]
    about = json.loads(files["tokens.json"])
    assert about["symbols"] == {"patch": 32000, "start": 32001, "end": 32002, "bos": 1, "eos": 2}
    assert (about["samples"], about["documents"], about["leftOut"], about["packs"]) == (2, 1, {"no_text": 1}, 1)
    assert about["tokenizer"]["uri"] == made.tokenizer.uri
    assert about["tokenizer"]["digest"].startswith("sha256:")
    assert 0 < about["fill"] < 1
    assert "CrudeWebdataset" in files[".nv-meta/dataset.yaml"]


def test_blocks_that_cannot_work_are_refused(tmp_path: Path) -> None:
    ref = {"uri": "s3://models/t.model"}
    assert TokenizeBlock(tokenizer=ref, max_tokens=200).refusals()
    assert TokenizeBlock(tokenizer=ref, keys="compat", packing="best-fit").refusals()
    assert not TokenizeBlock(tokenizer=ref).refusals()


@pytest.mark.parametrize("packing", ["greedy", "best-fit"])
@pytest.mark.parametrize("seed", range(4))
def test_no_token_and_no_image_is_lost_or_doubled_on_the_way_into_packs(
    tmp_path: Path, packing: str, seed: int
) -> None:
    chance = random.Random(seed)
    words = ["dogs", "girl", "bowl", "park", "the", "over"]
    samples = [
        {
            **sample(" ".join(chance.choices(words, k=chance.randint(1, 45))), count := chance.randint(0, 4)),
            **{f"{place}.jpg": picture(number * 5 + place) for place in range(count)},
        }
        for number in range(24)
    ]
    made = block(tmp_path, packing=packing, max_tokens=60, patches_per_image=7, tars_per_tar=2)
    tokenizer = load(Path(made.tokenizer.uri))
    tars = [tar(tmp_path / f"{number}.tar", samples[number * 8 : number * 8 + 8]) for number in range(3)]
    out = packed(made, tars, tmp_path / "out")
    found = []
    for _, read, images in packs(out):
        pictures = iter(images.values())
        for begin, end in pairwise(read["document_offsets"]):
            ids = read["input_ids"][begin:end]
            found.append((ids[ids[0] == 1 :], [next(pictures) for _ in range(ids.count(32001))]))
        assert not list(pictures)
    expected = []
    for one in samples:
        images = [one[name] for name in one if name != "json"]
        ids = [32001, *[32000] * 7, 32002] * len(images) + tokenizer.encode([one["json"]["txt"]])[0] + [2]
        if len(ids) + 1 < 60:
            expected.append((ids, images))
    assert 10 < len(expected) < 24
    assert sum(item.fields["left_out"].get("too_long", 0) for made in out for item in made.items) == 24 - len(expected)
    assert found == expected if packing == "greedy" else sorted(found) == sorted(expected)
