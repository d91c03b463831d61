"""`reelmill merge`: two dataset_info files become one."""

import json
from pathlib import Path

from cli.terminal import reelmill


def info(folder: Path, **lists: list[str]) -> Path:
    folder.mkdir()
    path = folder / "dataset_info.json"
    path.write_text(json.dumps({"train": [], "val": [], "test": [], **lists}))
    return path


def test_000_f14_merge_writes_absolute_lists_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    samples = [f"0001/sample_{number:06d}_video{number // 2}" for number in range(20)]
    train, test = info(tmp_path / "train", train=samples), info(tmp_path / "test", test=samples[:3])
    out = tmp_path / "both" / "dataset_info.json"
    said = reelmill("merge", train, test, out, "--validation", 4)
    assert (said.code, "20 train, 4 val, 3 test" in said.err) == (0, True)
    merged = json.loads(out.read_text())
    assert merged["train"] == [str(tmp_path / "train" / sample) for sample in samples]
    assert merged["val"] == merged["train"][:4]
    assert merged["test"][0].startswith(str(tmp_path / "test"))
    assert reelmill("merge", train, test, out).code == 2
    said = reelmill("merge", train, test, out, "--validation", 4, "--leak-free", "--force")
    assert "16 train, 4 val, 3 test" in said.err
    merged = json.loads(out.read_text())
    assert not {path.rpartition("_")[2] for path in merged["val"]} & {
        path.rpartition("_")[2] for path in merged["train"]
    }


def test_a_file_that_is_missing_or_no_list_of_samples_is_named(tmp_path: Path) -> None:
    train = info(tmp_path / "train")
    (tmp_path / "x.json").write_text("[1]")
    for wrong in (tmp_path / "x.json", tmp_path / "nothing.json"):
        said = reelmill("merge", train, wrong, tmp_path / "out.json")
        assert (said.code, wrong.name in said.err, "Traceback" in said.err) == (2, True, False)
