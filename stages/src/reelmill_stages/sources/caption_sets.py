"""Parsers of known caption and conversation data sets: one function each, from the annotation file to `Caption`s.

A custom data set is another such function, named in the resource as `module:function` and declared by its module
(`__reelmill__ = ["function"]`). The functions do not validate: invalid paths, texts and rows are reported later, one by
one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine, seen_rows
from reelmill_stages.sources.tables.json_stream import values


@dataclass(frozen=True, slots=True)
class Caption:
    """One annotated video: `video` is its path below the videos folder, or an absolute uri.

    Either `text` or `conversations` (a list of `{"from": "human" | "gpt", "value": text}`) is given. `vid` is the id of
    the video, if it differs from the name of the file.
    """

    video: Any
    text: Any = None
    conversations: Any = None
    vid: Any = None


CaptionSet = Callable[[bytes, str], Iterator[Caption]]
"""A function from the bytes of the annotation file and its uri (for messages) to captions.

Raises SpecError for a broken file.
"""


def webvid(data: bytes, where: str) -> Iterator[Caption]:
    """`{"image": {"0": path, …}, "value": {"0": caption, …}}`, or rows of `image` and `value`."""
    first: Any = next(values(data, where), None)
    if not (isinstance(first, Mapping) and isinstance(first.get("image"), Mapping)):
        keyed = isinstance(first, Mapping) and first and all(isinstance(row, Mapping) for row in first.values())
        rows = iter(first.values()) if keyed else values(data, where)
        yield from (Caption(row["image"], row["value"]) for row in _rows(rows, where, "image", "value"))
        return
    paths, texts = first["image"], first.get("value")
    if not isinstance(texts, Mapping):
        raise SpecError("no column 'value'", where=where, hint=f"columns there: {', '.join(first)}")
    for index in {**paths, **texts}:
        yield Caption(paths.get(index), texts.get(index))


def hdvila(data: bytes, where: str) -> Iterator[Caption]:
    """Rows of `video` and `caption`."""
    for row in _rows(values(data, where), where, "video", "caption"):
        yield Caption(row["video"], row["caption"])


def ego4d(data: bytes, where: str) -> Iterator[Caption]:
    """Rows of `video_path` and `caption`."""
    for row in _rows(values(data, where), where, "video_path", "caption"):
        yield Caption(row["video_path"], row["caption"])


def internvid(data: bytes, where: str) -> Iterator[Caption]:
    """JSON lines; the file name of a row is `{YoutubeID}_{Start_timestamp}_{End_timestamp}.mp4`."""
    names = ("YoutubeID", "Start_timestamp", "End_timestamp")
    for row in _rows(values(data, where), where, *names, "Caption"):
        parts = [row[name] for name in names]
        whole = all(isinstance(part, str) and part for part in parts)
        yield Caption(f"{'_'.join(parts)}.mp4" if whole else None, row["Caption"], vid=row["YoutubeID"])


def how2link(data: bytes, where: str) -> Iterator[Caption]:
    """Records with `clips[]` of `clip_path` and `caption`; a file is the last three parts of the path, and `.mp4`."""
    for record in _rows(values(data, where), where, "clips"):
        clips = record["clips"]
        # A record without clips is still a row, reported as one without a video.
        for clip in clips if isinstance(clips, list) and clips else [None]:
            row = clip if isinstance(clip, Mapping) else {}
            path = row.get("clip_path")
            parts = path.split("/")[-3:] if isinstance(path, str) and path else []
            video = "/".join(parts) + ".mp4" if parts else path
            yield Caption(video, row.get("caption"), vid=parts[-2] if len(parts) > 1 else None)


def llava(data: bytes, where: str) -> Iterator[Caption]:
    """Rows of `video` and `conversations`."""
    for row in _rows(values(data, where), where, "video", "conversations"):
        yield Caption(row["video"], conversations=row["conversations"])


def sft(data: bytes, where: str) -> Iterator[Caption]:
    """Rows of `video` and `QA`: a text, turns as in llava, or a list of `{"i", "q", "a"}`."""
    for row in _rows(values(data, where), where, "video", "QA"):
        answer = row["QA"]
        if isinstance(answer, list):
            yield Caption(row["video"], conversations=[turn for pair in answer for turn in _turns(pair)])
        else:
            yield Caption(row["video"], answer)


KNOWN: Mapping[str, CaptionSet] = {
    "webvid": webvid,
    "hdvila": hdvila,
    "internvid": internvid,
    "how2link": how2link,
    "ego4d": ego4d,
    "llava": llava,
    "sft": sft,
}


class _Row(dict[str, Any]):
    def __missing__(self, name: str) -> None:
        return None


def _rows(found: Iterator[Any], where: str, *columns: str) -> Iterator[_Row]:
    """Yield the rows; a missing column is None, and a line that cannot be read is the value of every column.

    Raises SpecError if no row has one of the columns.
    """
    for row in seen_rows(found, where, *((column,) for column in columns)):
        bad = dict.fromkeys(columns, row) if isinstance(row, BadLine) else {}
        yield _Row(row if isinstance(row, Mapping) else bad)


def _turns(pair: Any) -> list[Any]:
    """Return a question and its answer as two turns; any other value is kept, to be refused later."""
    if not isinstance(pair, Mapping) or "q" not in pair:
        return [pair]
    asked = [pair.get("i"), pair["q"]]
    question = "\n".join(asked) if all(isinstance(part, str) and part for part in asked) else pair["q"]
    return [{"from": "human", "value": question}, {"from": "gpt", "value": pair.get("a")}]
