"""The rules of IIANet's reader for the lists of one split, and for the embeddings in them."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import basename, dirname
from typing import Any

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.stages.embed.lip_crops import FPS
from reelmill_stages.stages.embed.lists import MISSING, READY, SPEAKERS
from reelmill_stages.untrusted.nested import load_json

SPLITS = ("tr", "cv", "tt")
RATE = 16000
"""Sample rate of the reader's wav files in Hz."""
TRAINING = "tr"
_UTTERANCES = 2
_PARTS = 5
_SPEAKER = "the content must be [[wav, npz, samples], …]"

Rows = list[list[Any]]


def split_folders(folder: Path) -> list[str]:
    """Return the folders of lists below an export: `tr`, and `more/tr` of a further source of the stage."""
    found = [split for split in SPLITS if (folder / split).is_dir()]
    further = sorted(path for split in SPLITS for path in folder.glob(f"*/{split}/mix.json"))
    return found + [str(path.parent.relative_to(folder)) for path in further]


def check_split(folder: Path, split: str, lengths: Mapping[Path, int], used: set[Path]) -> Iterator[Finding]:
    """Yield findings about a split, one of `split_folders`.

    `lengths` maps valid embeddings to their frames; those in the lists are added to `used`.
    """
    lists = yield from _read_lists(folder / split, split)
    if lists is None:
        return
    found: list[int] = []
    missing = 0
    for speaker in SPEAKERS:
        file = f"{split}/{speaker}.json"
        for wav, path, *_ in lists[speaker]:
            if path.count(".npz") > 1:
                yield Finding(
                    file, "npz_in_path", False, f"the reader replaces every .npz in {path}: rename the folder"
                )
            embedding = _expected_embedding(folder, path)
            used.add(embedding)
            if not embedding.is_file():
                missing += 1
                yield Finding(
                    file, "embedding_there", False, f"the embedding of {basename(wav)} is missing: {embedding.name}"
                )
            elif embedding in lengths:
                found.append(lengths[embedding])
    yield from _check_equal_lengths(split, found)
    yield from _check_mixture_lengths(split, lists["mix"], max(found, default=0))
    yield from _check_ready_mark(folder / split / READY, f"{split}/{READY}", missing, len(lists["mix"]))
    if basename(split) == TRAINING:
        yield from _check_names(lists, split)


def _read_lists(folder: Path, split: str) -> Generator[Finding, None, dict[str, Rows] | None]:
    lists: dict[str, Rows] = {}
    for name, cells in (("mix", 2), *((speaker, 3) for speaker in SPEAKERS)):
        file = f"{split}/{name}.json"
        try:
            rows = load_json((folder / f"{name}.json").read_bytes())
        except (OSError, ValueError) as error:
            yield Finding(file, "lists", False, unreadable(error))
            return None
        if not isinstance(rows, list) or not all(_is_row(row, cells) for row in rows):
            yield Finding(file, "lists", False, "the content must be [[wav, samples], …]" if cells == 2 else _SPEAKER)
            return None
        lists[name] = rows
    sizes = {name: len(rows) for name, rows in lists.items()}
    together = len(set(sizes.values())) == 1 and sizes["mix"] > 0
    counts = ", ".join(f"{name} {size}" for name, size in sizes.items())
    message = "" if together else f"the lists must have equally many rows, and at least one: {counts}"
    yield Finding(split, "lists_aligned", together, message)
    return lists if together else None


def _is_row(row: object, cells: int) -> bool:
    if not isinstance(row, list) or len(row) != cells or type(row[-1]) is not int:
        return False
    return all(isinstance(cell, str) for cell in row[:-1])


def _check_equal_lengths(split: str, lengths: Sequence[int]) -> Iterator[Finding]:
    """Check that all lengths are equal: the reader does not cut embeddings to the segment, and needs equal batches."""
    different = sorted(set(lengths))
    message = (
        f"embeddings of {different[0]} to {different[-1]} frames do not fit into one batch" if different[1:] else ""
    )
    yield Finding(split, "equal_frames", not message, message)


def _check_mixture_lengths(split: str, rows: Rows, frames: int) -> Iterator[Finding]:
    """Check for mixtures shorter than the segment: the reader drops but counts them, which leads to an IndexError."""
    least = int(frames / FPS * RATE)
    short = [wav for wav, samples in rows if samples < least]
    message = ""
    if short:
        least_length = f"{count_of(least, 'sample')} ({count_of(frames, 'frame')})"
        message = f"shorter than {least_length}: {count_of(len(short), 'mixture')}, such as {basename(short[0])}"
    yield Finding(f"{split}/mix.json", "mixture_length", not short, message)


def _check_ready_mark(path: Path, file: str, missing: int, rows: int) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(file, "ready", False, _incomplete_rows_note(path.with_name(MISSING), rows))
        return
    try:
        marked = load_json(path.read_bytes())["rows"]
    except (ValueError, KeyError, TypeError):
        marked = None
    is_true = not missing and marked == rows
    message = f"the file says {marked} rows, but {rows} are listed and {missing} embeddings are missing"
    yield Finding(file, "ready_true", is_true, "" if is_true else message)


def _check_names(lists: Mapping[str, Rows], split: str) -> Iterator[Finding]:
    """Check names, from which the reader derives speaker and utterance; there must be two utterances."""
    utterances: set[str] = set()
    for speaker in SPEAKERS:
        for wav, *_ in lists[speaker]:
            parts = basename(wav).split("_")
            if basename(dirname(wav)) != speaker or len(parts) < _PARTS:
                message = f"{wav} must have the form …/{speaker}/A_B_x_C_D….wav"
                yield Finding(f"{split}/{speaker}.json", "wav_names", False, message)
                return
            first = 0 if speaker == SPEAKERS[0] else 3
            utterances.add("_".join(parts[first : first + 2]))
    yield Finding(split, "wav_names", True)
    enough = len(utterances) >= _UTTERANCES
    message = "" if enough else "all wav files are of one utterance: the reader would search for another one forever"
    yield Finding(split, "two_utterances", enough, message)


def _expected_embedding(folder: Path, path: str) -> Path:
    """Return where the reader expects the embedding of a listed file; relative paths are those of the store."""
    return (folder / path.replace(".npz", "_embedding.npz")).absolute()


def _incomplete_rows_note(path: Path, rows: int) -> str:
    """Return how many rows the lists of an incomplete split have, from the file that lists the missing ones."""
    try:
        content = load_json(path.read_bytes())
        wanted, (row, speaker) = content["rows"], content["missing"][0]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return "the split is not marked: items of it have no embedding"
    return f"the lists have {rows} of {wanted} rows: the others lack an embedding, row {row} of {speaker} first"
