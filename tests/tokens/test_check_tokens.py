"""`reelmill check` for packed tokens: good sets pass, and each broken rule is found by its name."""

import json
from pathlib import Path

import pytest

from pack.desk import Gathered, tar_items
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill_stages.commands.check import check
from reelmill_stages.stage import Done, Failed, Input
from reelmill_stages.stages.index.stage import IndexStage
from reelmill_stages.stages.tokenize.check import RULES as KNOWN
from reelmill_stages.stages.tokenize.check import TokensCheck
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from tokens.broken_packs import RULES, SHAPE, good, pack
from tokens.desk import Desk, block, packed, sample, tar


def found(folder: Path) -> dict[str, list[str]]:
    """Broken rule -> files."""
    rules: dict[str, list[str]] = {}
    for finding in TokensCheck().check(folder):
        if not finding.ok:
            rules.setdefault(finding.rule, []).append(finding.file)
    return rules


def test_every_rule_has_a_set_that_breaks_it() -> None:
    assert set(RULES) == set(KNOWN)


@pytest.mark.parametrize("rule", RULES)
def test_001_f18_a_broken_rule_is_found_by_its_name_and_no_other(tmp_path: Path, rule: str) -> None:
    pack(tmp_path, name="good")
    RULES[rule](tmp_path)
    broken = found(tmp_path)
    assert broken.pop(rule) == ["tokens.json" if rule == "about" else "a.tar"]
    # Without knowing its patches, a pack is held against the original's.
    assert not broken or rule == "about"


def test_a_good_set_passes_and_is_counted(tmp_path: Path) -> None:
    pack(tmp_path)
    (finding,) = TokensCheck().check(tmp_path)
    assert (finding.ok, finding.message) == (True, "2 packs, 32 tokens")


def test_what_the_stage_writes_passes_and_is_found_to_be_packs(tmp_path: Path) -> None:
    tars = [tar(tmp_path / f"{number}.tar", [sample(images=row % 4) for row in range(12)]) for number in range(2)]
    made = block(tmp_path, max_tokens=1300)
    out = packed(made, tars, tmp_path / "out/0001")
    for file in TokenizeStage(made).present(Gathered(tar_items(out), tmp_path / "views"), {}):
        (tmp_path / "out" / file.name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / file.name).write_bytes(file.path.read_bytes())
    rows = list(check(tmp_path / "out"))
    assert {row.format for row in rows} == {"tars", "tokens"}
    assert [row for row in rows if not row.ok] == []


def test_packs_of_other_programs_are_checked_against_the_rules_that_apply(tmp_path: Path) -> None:
    fields = {name: value for name, value in good().items() if not name.startswith(("document", "position"))}
    pack(tmp_path, fields)
    assert not found(tmp_path)


def test_a_truncated_tar_is_named_and_the_others_are_looked_at(tmp_path: Path) -> None:
    path = pack(tmp_path)
    path.write_bytes(path.read_bytes()[:3000])
    RULES["bos"](tmp_path / "more")
    broken = found(tmp_path)
    assert broken["truncated"] == ["a.tar"]
    assert broken["bos"] == ["more/a.tar"]


def test_a_folder_of_other_tars_is_no_set_of_packs(tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", [sample()])
    assert not TokensCheck().detect(tmp_path)
    assert not TokensCheck().detect(tmp_path / "nothing")


def looked_at(path: Path, folder: Path, **fields) -> Done | Failed:
    item = Item("a", 0, "a", 1.0, Media(str(path), path.stat().st_size), fields=fields)
    (result,) = IndexStage(IndexBlock(check="full", preview="100%")).process([Input(item, 0)], Desk(folder / "work"))
    assert isinstance(result, Done | Failed)
    return result


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"about", "no_pack"}))
def test_001_p5_the_index_refuses_the_same_packs_by_name(tmp_path: Path, rule: str) -> None:
    RULES[rule](tmp_path)
    result = looked_at(tmp_path / "a.tar", tmp_path, pack=SHAPE.to_json())
    assert isinstance(result, Failed)
    assert f"{rule}: " in result.message
    assert str(tmp_path / "a.tar") in result.message
    assert isinstance(looked_at(pack(tmp_path / "good"), tmp_path / "good", pack=SHAPE.to_json()), Done)


def test_a_preview_of_packs_shows_what_their_tokens_say_and_what_is_learned(tmp_path: Path) -> None:
    made = block(tmp_path)
    (out,) = packed(made, [tar(tmp_path / "a.tar", [sample("two dogs run over the grass", 2)])], tmp_path / "out")
    (item,) = out.items
    result = looked_at(out.file.path, tmp_path, **item.fields)
    assert isinstance(result, Done)
    text, _ = result.items[0].files
    lines = text.path.read_text().splitlines()
    image = "<im_start> <im_patch>*256 <im_end>"
    assert lines[lines.index("tokens say:") + 1] == f"<s> {image} {image} two dogs run over the grass </s>"
    assert lines[lines.index("learned:") + 1] == "two dogs run over the grass </s>"
    assert "<s><im_start><im_patch>*256<im_end><im_start><im_patch>*256<im_end>" in lines


def test_a_preview_of_packs_works_without_the_tokenizer(tmp_path: Path) -> None:
    made = block(tmp_path)
    (out,) = packed(made, [tar(tmp_path / "a.tar", [sample()])], tmp_path / "out")
    Path(made.tokenizer.uri).write_bytes(b"another")
    fields = json.loads(json.dumps(dict(out.items[0].fields)))
    result = looked_at(out.file.path, tmp_path, **fields)
    assert isinstance(result, Done)
    assert "tokens say:" not in result.items[0].files[0].path.read_text()
