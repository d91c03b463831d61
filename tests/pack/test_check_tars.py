"""The check of tars: what the pack stage writes passes, and each rule is found broken by its name."""

from collections.abc import Callable
from pathlib import Path

import pytest

import footage
from pack.broken_tars import FOLDERS, GOOD, MORE, SORTED, TARS, directories, served, tar
from pack.desk import packed, presented, video_item
from pack.readers import patched, stock
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.pack.check import RULES, TarsCheck

CASES = [*FOLDERS.items(), *MORE]


def broken(folder: Path) -> list[Finding]:
    return [finding for finding in TarsCheck().check(folder) if not finding.ok]


@pytest.mark.parametrize(("rule", "make"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_a_broken_rule_is_found_by_its_name(tmp_path: Path, rule: str, make: Callable[[Path], object]) -> None:
    make(tmp_path)
    findings = broken(tmp_path)
    assert rule in {finding.rule for finding in findings}
    assert all(finding.message and finding.file for finding in findings)


@pytest.mark.parametrize("rule", sorted(FOLDERS.keys() - {"json_first", "truncated", "split_key", "unique_keys"}))
def test_a_folder_with_one_fault_breaks_no_other_rule(tmp_path: Path, rule: str) -> None:
    FOLDERS[rule](tmp_path)
    beside = {"hidden": {"same_parts"}, "upper_case": set(), "dashed_frames": set()}.get(rule, set())
    assert {finding.rule for finding in broken(tmp_path)} <= {rule} | beside


def test_every_rule_of_a_tar_has_a_broken_one() -> None:
    assert set(RULES) == set(TARS)


@pytest.mark.parametrize("sampler", ["video_only", "un", "kf"])
def test_what_the_pack_stage_writes_passes(tmp_path: Path, sampler: str) -> None:
    video = footage.video(seconds=1, size=(64, 48), audio=False)
    block = PackBlock(sampler=sampler, samples_per_tar=2)
    folder = tmp_path / "set"
    presented(block, packed(block, [video_item(video, number) for number in range(5)], folder), folder)
    assert TarsCheck().detect(folder)
    findings = list(TarsCheck().check(folder))
    assert [finding for finding in findings if not finding.ok] == []
    assert {finding.rule for finding in findings} == {"structure", "energon", "huggingface"}
    assert sum(finding.rule == "structure" for finding in findings) == 3


def test_compat_keys_are_named_for_what_they_are(tmp_path: Path) -> None:
    video = footage.video(seconds=1, size=(64, 48), audio=False)
    packed(PackBlock(samples_per_tar=2, keys="compat"), [video_item(video, n) for n in range(4)], tmp_path / "set")
    assert {finding.rule for finding in broken(tmp_path / "set")} == {"unique_keys"} | {"readme"}


def test_good_folders_of_others_pass(tmp_path: Path) -> None:
    served(tmp_path)
    assert broken(tmp_path) == []
    directories(tmp_path / "b.tar")
    (tmp_path / "0001/a.tar.idx").unlink()
    assert {finding.rule for finding in broken(tmp_path)} == {"energon_index", "energon_info"}


def test_a_folder_without_tars_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert not TarsCheck().detect(tmp_path)


def test_the_rules_are_the_readers_own(tmp_path: Path) -> None:
    FOLDERS["duplicate_part"](tmp_path)
    with pytest.raises(ValueError, match="duplicate file name"):
        stock(tmp_path / "a.tar")
    FOLDERS["split_key"](tmp_path)
    assert len(stock(tmp_path / "a.tar")) == 3
    FOLDERS["dotted_key"](tmp_path)
    assert len(stock(tmp_path / "a.tar")) == 1
    FOLDERS["dashed_frames"](tmp_path)
    assert (len(stock(tmp_path / "a.tar")), len(patched(tmp_path / "a.tar"))) == (4, 2)
    FOLDERS["hidden"](tmp_path)
    assert len(patched(tmp_path / "a.tar")) == 1
    assert [sample["__key__"] for sample in patched(tar(tmp_path / "a.tar", SORTED))] != ["000000000", "000000001"]
    assert len(patched(tar(tmp_path / "a.tar", GOOD))) == 2
