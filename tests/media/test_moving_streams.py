"""Streams that continue elsewhere in their file are refused with the place; they never lose their end."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import hypothesis
import pytest
from hypothesis import strategies as st

import footage
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.measuring.sound.samples import track
from reelmill_stages.media import probe
from reelmill_stages.media.container.changes.flv_settings import settings_change
from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.encode import Encoding, encode
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.timeline import read_timeline

PICTURES, SOUND = 0x100, 0x101


def recording(
    folder: Path, number: int, *, pictures: int = PICTURES, sound: int = SOUND, codec: str = "libx264"
) -> bytes:
    """Two seconds of a transport stream that begin at second 2 * `number`."""
    path = folder / f"{number}_{pictures}_{sound}_{codec}.ts"
    streams = ("-streamid", f"0:{pictures}", "-streamid", f"1:{sound}", "-output_ts_offset", str(2 * number))
    tone = ("-f", "lavfi", "-i", "sine=700:d=2")
    footage.ffmpeg(*lying.source(20), *tone, "-c:v", codec, "-g", "10", "-bf", "0", "-c:a", "mp2", *streams, str(path))
    return path.read_bytes()


def refusal(path: Path) -> str:
    with pytest.raises(ItemError) as refused:
        read_timeline(path)
    assert refused.value.reason == "stream_moves"
    return refused.value.what


@pytest.mark.parametrize("between", [b"", b"\0" * 300, b"GGGG"])
def test_pictures_that_move_to_another_stream_are_refused_and_both_parts_are_whole(
    between: bytes, tmp_path: Path
) -> None:
    first, path = recording(tmp_path, 0), tmp_path / "film.ts"
    path.write_bytes(first + between + recording(tmp_path, 1, pictures=0x200))
    said, at = refusal(path), len(first) + len(between) + 188  # after a table with the name of the service
    assert said == f"film.ts: at byte {at}, its pictures move from stream 0x100 to stream 0x200; split the file there"
    data = path.read_bytes()
    for name, part in (("one.ts", data[:at]), ("two.ts", data[at:])):
        (tmp_path / name).write_bytes(part)
        assert len(read_timeline(tmp_path / name)) == 20
        assert lying.shown(tmp_path / name) == list(range(20))


@pytest.mark.store
@pytest.mark.parametrize(
    ("pictures", "sound", "said"),
    [(SOUND, PICTURES, "its pictures move from stream 0x100 to stream 0x101"),
     (SOUND, 0x102, "its sound moves from stream 0x101 to stream 0x102")],
)  # fmt: skip
def test_streams_that_take_each_others_place_are_refused_by_every_reader(
    pictures: int, sound: int, said: str, tmp_path: Path
) -> None:
    """The demuxer reads far enough ahead to find both, and then opens no stream."""
    path = tmp_path / "film.ts"
    path.write_bytes(recording(tmp_path, 0) + recording(tmp_path, 1, pictures=pictures, sound=sound))
    assert f"{said}; split the file there" in refusal(path)
    with pytest.raises(ItemError, match="; split the file there") as refused:
        probe(path)
    assert refused.value.reason == "stream_moves"


def broadcast(folder: Path, number: int, *pids: int, programs: tuple[str, ...]) -> bytes:
    """Two seconds of a transport stream that begin at second 2 * `number`: silence, numbered pictures, a tone."""
    path = folder / f"{number}_{pids}.ts"
    inputs = ("-f", "lavfi", "-i", "anullsrc=r=48000:d=2", *lying.source(20), "-f", "lavfi", "-i", "sine=700:d=2")
    maps = ("-map", "0:a", "-map", "1:v", "-map", "2:a", "-c:v", "libx264", "-g", "10", "-bf", "0", "-c:a", "mp2")
    ids = [part for stream, pid in enumerate(pids) for part in ("-streamid", f"{stream}:{pid}")]
    listed = [part for program in programs for part in ("-program", program)]
    footage.ffmpeg(*inputs, *maps, *ids, *listed, "-output_ts_offset", str(2 * number), str(path))
    return path.read_bytes()


TWO_PROGRAMS = ("program_num=1:st=0", "program_num=2:st=1:st=2")


@pytest.mark.store
def test_the_sound_of_pictures_is_that_of_their_program(tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(broadcast(tmp_path, 0, 0x100, 0x101, 0x102, programs=TWO_PROGRAMS))
    timeline = read_timeline(path)
    with remuxer(path, timeline, audio=True) as video:
        assert video.audio is not None
        assert video.audio.id == 0x102
        cut = cut_frames(timeline, range(5, 15))
        piece = video.slice_of(cut)
        assert piece is not None
        video.copy(cut, piece, tmp_path / "copied.mp4")
        encode(video, cut, tmp_path / "encoded.mp4", Encoding(preset="ultrafast"))
    for clip in (tmp_path / "copied.mp4", tmp_path / "encoded.mp4"):
        with av.open(str(clip)) as container:
            assert max(float(abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0)) > 0.05
    origin = timeline.pts[0] * timeline.time_base
    speech = speech_sound(path, origin, origin + 2)
    assert speech is not None
    assert speech.tracks == 1
    assert any(part.samples.any() for part in speech.parts)
    with track(path) as heard:
        assert heard is not None
        assert (heard.streams, heard.index) == (1, 2)


@pytest.mark.store
def test_a_stream_that_ends_is_not_continued_in_another_program(tmp_path: Path) -> None:
    """The first program has new sound where that of the second ends."""
    path = tmp_path / "film.ts"
    second = broadcast(tmp_path, 1, 0x200, 0x101, 0x300, programs=("program_num=1:st=0:st=2", "program_num=2:st=1"))
    path.write_bytes(broadcast(tmp_path, 0, 0x100, 0x101, 0x102, programs=TWO_PROGRAMS) + second)
    timeline = read_timeline(path)
    assert len(timeline) == 40
    with remuxer(path, timeline, audio=True) as video:
        assert video.audio is not None
        assert video.audio.id == 0x102


def test_pictures_whose_codec_changes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(recording(tmp_path, 0) + recording(tmp_path, 1, codec="mpeg2video"))
    assert "its pictures move from H.264 to MPEG-2; split the file there" in refusal(path)


def test_sound_that_moves_to_another_stream_is_refused_where_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(recording(tmp_path, 0) + recording(tmp_path, 1, sound=0x201))
    timeline = read_timeline(path)
    assert len(timeline) == 40
    moves = "its sound moves from stream 0x101 to stream 0x201; split the file there"
    with pytest.raises(ItemError, match=moves), remuxer(path, timeline, audio=True):
        pass
    with pytest.raises(ItemError, match=moves):
        speech_sound(path, Fraction(1), Fraction(3))
    with remuxer(path, timeline, audio=False) as video:
        cut = cut_frames(timeline, range(15, 25))
        piece = video.slice_of(cut)
        assert piece is not None
        video.copy(cut, piece, tmp_path / "clip.mp4")
    assert lying.shown(tmp_path / "clip.mp4") == [*range(15, 20), *range(5)]


def test_recordings_whose_streams_stay_are_one_film(tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    path.write_bytes(recording(tmp_path, 0) + recording(tmp_path, 1))
    assert len(read_timeline(path)) == 40


def checksum(data: bytes) -> bytes:
    """The checksum of a table (ISO/IEC 13818-1, annex A)."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
    return register.to_bytes(4)


def test_a_table_with_a_wrong_checksum_is_ignored(tmp_path: Path) -> None:
    data = bytearray(recording(tmp_path, 0))
    h264 = data.index(b"\x1b\xe1\0", len(data) // 2)
    table, path = h264 - 12, tmp_path / "film.ts"
    assert data[table] == 2
    end = table + 3 + (int.from_bytes(data[table + 1 : table + 3]) & 0xFFF)
    data[h264] = 2
    path.write_bytes(data)
    assert len(read_timeline(path)) == 20
    data[end - 4 : end] = checksum(data[table : end - 4])
    path.write_bytes(data)
    assert "its pictures move from H.264 to MPEG-2" in refusal(path)


def test_a_stream_that_only_ends_before_others_is_no_move(tmp_path: Path) -> None:
    """A table that lists a new stream without packets tells nothing that is lost."""
    path = tmp_path / "film.ts"
    listed = recording(tmp_path, 1, pictures=0x200)
    path.write_bytes(recording(tmp_path, 0) + listed[: 188 * 3])  # only tables
    assert len(read_timeline(path)) == 20


def ogg(folder: Path, name: str, *sound: str) -> bytes:
    path = folder / name
    footage.ffmpeg(*lying.source(20), *sound, "-c:v", "libtheora", "-g", "10", "-q:v", "7", str(path))
    return path.read_bytes()


@pytest.mark.parametrize("sound", [(), ("-f", "lavfi", "-i", "sine=700:d=2", "-c:a", "libvorbis")])
def test_chained_ogg_recordings_are_refused_and_both_parts_are_whole(sound: tuple[str, ...], tmp_path: Path) -> None:
    first, second = ogg(tmp_path, "one.ogv", *sound), ogg(tmp_path, "two.ogv", *sound)
    path = tmp_path / "film.ogv"
    path.write_bytes(first + second)
    assert refusal(path) == (
        f"film.ogv is several Ogg recordings, one after the other; the second begins at byte {len(first)}; split the "
        "file there"
    )
    for name in ("one.ogv", "two.ogv"):
        assert len(read_timeline(tmp_path / name)) == 20


def table(head: bytes, kind: int, own: bytes) -> bytes:
    """A packet with a table, whose checksum is right."""
    section = bytes([kind]) + (0xB000 | len(own) + 4).to_bytes(2) + own
    return (head + section + checksum(section)).ljust(188, b"\xff")


def test_an_ogg_file_of_damaged_pages_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "film.ogv"
    path.write_bytes(ogg(tmp_path, "one.ogv") + b"OggS" * 10_001)
    with pytest.raises(ItemError, match="more than 10000 of its pages are damaged") as refused:
        read_timeline(path)
    assert refused.value.reason == "corrupt"


@hypothesis.given(st.data())
def test_any_bytes_are_searched_for_moves_without_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Tables of any content, in packets or not, and tags of any size."""
    path = tmp_path_factory.getbasetemp() / "any.bin"
    packet = st.binary(max_size=184).map(lambda own: b"G\x40\0\x10" + own.ljust(184, b"\xff"))
    mapped = st.binary(max_size=170).map(lambda own: table(b"G\x40\x20\x10\0", 2, b"\0\1\xc1" + own))
    listed = st.just(table(b"G\x40\0\x10\0", 0, b"\0\1\xc1\0\0\0\1\xe0\x20"))
    parts = data.draw(st.lists(listed | packet | mapped | st.binary(max_size=400), max_size=8))
    path.write_bytes(data.draw(st.sampled_from([b"", b"FLV\1\5\0\0\0\x09\0\0\0\0"])) + b"".join(parts))
    with suppress(ItemError):
        refuse_moves(path, "mpegts", 0x100)
    settings_change(path, sound=True)
