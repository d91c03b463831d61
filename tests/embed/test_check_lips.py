"""`reelmill check` on lip embeddings: a good set passes, each subtly broken one fails with the rule's name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reelmill_stages.commands.check import check

SPLITS = ("tr", "cv", "tt")


def save(path: Path, **arrays: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def good(folder: Path, rows: int = 2) -> Path:
    """What an export of an embed stage looks like."""
    for split in SPLITS:
        lists: dict[str, list[list[Any]]] = {"mix": [], "s1": [], "s2": []}
        for row in range(rows):
            wav = f"spkA_{row:05d}_1.5_spkB_{row:05d}_-1.5.wav"
            lists["mix"].append([f"/audio/{split}/mix/{wav}", 32000])
            for speaker in ("s1", "s2"):
                stem = folder / f"0001/mouths/{split}/{speaker}_{row}"
                save(Path(f"{stem}_embedding.npz"), embedding=np.ones((512, 50), np.float32))
                lists[speaker].append([f"/audio/{split}/{speaker}/{wav}", f"{stem}.npz", 32000])
        for name, found in lists.items():
            write(folder / split / f"{name}.json", found)
        write(folder / split / "ready.json", {"rows": rows, "frames": [50]})
    return folder


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def edited(folder: Path, name: str, edit: Callable[[list[Any]], object]) -> None:
    rows = json.loads((folder / name).read_text())
    edit(rows)
    write(folder / name, rows)


def embedding(folder: Path, **arrays: Any) -> None:
    save(folder / "0001/mouths/tr/s1_0_embedding.npz", **arrays)


def broken(folder: Path) -> set[str]:
    return {row.rule for row in check(folder) if not row.ok}


def test_003_f14_a_good_set_passes_and_every_file_is_reported(tmp_path: Path) -> None:
    rows = list(check(good(tmp_path)))
    assert all(row.ok for row in rows)
    assert {row.format for row in rows} == {"lips"}
    assert sum(row.file.endswith("_embedding.npz") for row in rows) == 12


ONES = np.ones((512, 50), np.float32)


def put(name: str, row: int, cell: int, value: Any) -> Callable[[Path], object]:
    """Another value in one cell of a list."""
    return lambda folder: edited(folder, name, lambda rows: rows[row].__setitem__(cell, value))


CORPUS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "truncated": ("readable", lambda f: (f / "0001/mouths/tr/s1_0_embedding.npz").write_bytes(b"PK\x03\x04 cut")),
    "another key": ("embedding_key", lambda f: embedding(f, features=ONES)),
    "raw frames under the key": ("shape", lambda f: embedding(f, embedding=np.ones((50, 88, 88), np.float32))),
    "time first": ("shape", lambda f: embedding(f, embedding=ONES.T)),
    "double precision": ("dtype", lambda f: embedding(f, embedding=ONES.astype(np.float64))),
    "a NaN": ("finite", lambda f: embedding(f, embedding=np.where(np.arange(50) == 3, np.nan, ONES).astype("f4"))),
    "one shorter": ("equal_frames", lambda f: embedding(f, embedding=np.ones((512, 49), np.float32))),
    "one gone": ("embedding_there", lambda f: (f / "0001/mouths/cv/s2_1_embedding.npz").unlink()),
    "a list gone": ("lists", lambda f: (f / "tt/s2.json").unlink()),
    "a row of two": ("lists", lambda f: edited(f, "cv/s1.json", lambda rows: rows[0].pop())),
    "a row too few": ("lists_aligned", lambda f: edited(f, "tr/s2.json", lambda rows: rows.pop())),
    "an empty split": ("lists_aligned", lambda f: [write(f / f"tt/{name}.json", []) for name in ("mix", "s1", "s2")]),
    "a short mixture": (
        "mixture_length",
        put("tr/mix.json", 1, 1, 31999),
    ),
    "no mark": ("ready", lambda f: (f / "cv/ready.json").unlink()),
    "a mark that lies": ("ready_true", lambda f: write(f / "cv/ready.json", {"rows": 3})),
    "a wav elsewhere": (
        "wav_names",
        put("tr/s2.json", 0, 0, "/a/b.wav"),
    ),
    "a folder called npz": ("npz_in_path", put("tr/s1.json", 0, 1, "/x.npz/a.npz")),
}


@pytest.mark.parametrize("case", CORPUS)
def test_a_subtly_broken_set_fails_with_the_rules_name(case: str, tmp_path: Path) -> None:
    rule, spoil = CORPUS[case]
    folder = good(tmp_path)
    spoil(folder)
    found = broken(folder)
    assert rule in found
    # What follows from the same fault may be told too, but nothing else.
    assert found <= {rule, "ready_true", "embedding_there", "lists", "equal_frames"}


def test_003_p2_one_utterance_alone_would_make_the_training_reader_loop(tmp_path: Path) -> None:
    folder = good(tmp_path, rows=1)
    wav = "same_00000_1_same_00000_-1.wav"
    for speaker in ("s1", "s2"):
        edited(folder, f"tr/{speaker}.json", lambda rows, s=speaker: rows[0].__setitem__(0, f"/audio/tr/{s}/{wav}"))
    assert broken(folder) == {"two_utterances"}


def test_003_p2_a_mixture_shorter_than_the_segment_is_named(tmp_path: Path) -> None:
    folder = good(tmp_path)
    edited(folder, "tr/mix.json", lambda rows: rows[0].__setitem__(1, 16000))
    assert broken(folder) == {"mixture_length"}


def test_003_p1_embeddings_of_unequal_length_are_reported_because_no_batch_holds_them(tmp_path: Path) -> None:
    folder = good(tmp_path)
    embedding(folder, embedding=np.ones((512, 75), np.float32))
    (told,) = [row.message for row in check(folder) if row.rule == "equal_frames" and not row.ok]
    assert told == "embeddings of 50 to 75 frames do not fit into one batch"


def test_embeddings_without_lists_are_no_training_set(tmp_path: Path) -> None:
    save(tmp_path / "a_embedding.npz", embedding=ONES)
    assert broken(tmp_path) == {"lists"}


def test_embeddings_that_no_list_names_are_a_remark(tmp_path: Path) -> None:
    folder = good(tmp_path)
    save(folder / "0001/left_embedding.npz", embedding=ONES)
    notes = [row.message for row in check(folder) if row.rule == "listed"]
    assert broken(folder) == set()
    assert notes == ["1 embeddings are in no list and never read, for example left_embedding.npz"]


def test_lists_that_are_shorter_than_their_source_say_by_how_much(tmp_path: Path) -> None:
    folder = good(tmp_path)
    (folder / "cv/ready.json").unlink()
    write(folder / "cv/missing.json", {"rows": 5, "with_embeddings": 2, "missing": [[3, "s2"]]})
    (finding,) = [one for one in check(folder, ["lips"]) if not one.ok]
    assert finding.rule == "ready"
    assert finding.message == "the lists have 2 of 5 rows: the others lack an embedding, row 3 of s2 first"


def test_lists_of_a_further_source_are_checked_like_those_of_the_first(tmp_path: Path) -> None:
    folder = good(tmp_path)
    for split in SPLITS:
        (folder / "more").mkdir(exist_ok=True)
        shutil.copytree(folder / split, folder / "more" / split)
    assert not broken(folder)
    edited(folder, "more/cv/s1.json", lambda rows: rows.pop())
    assert {(row.file, row.rule) for row in check(folder) if not row.ok} == {("more/cv", "lists_aligned")}
