"""Files that are no video, and videos that are encrypted: one row with a true sentence."""

import random
from fractions import Fraction
from pathlib import Path

import pytest

import footage
from media import lying
from reelmill.contract.errors import ItemError
from reelmill_stages.media import probe
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.speech_sound import speech_sound
from reelmill_stages.media.timeline.timeline import read_timeline

TONE = ("-f", "lavfi", "-i", "sine=d=1")
CENC = (
    *("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"),
    *("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"),
)


def said(path: Path) -> tuple[str, str]:
    """Reason and sentence with which a file is refused."""
    with pytest.raises(ItemError) as caught:
        read_timeline(path)
    with pytest.raises(ItemError) as again:
        probe(path)
    assert again.value.reason == caught.value.reason
    return caught.value.reason, caught.value.what


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.aac", "a.ac3", "a.aiff", "a.m4a", "a.opus"])
def test_sound_alone_has_no_video(name: str, tmp_path: Path) -> None:
    footage.ffmpeg(*TONE, str(tmp_path / name))
    assert said(tmp_path / name) == ("no_video", f"{name} has no video stream (streams: audio)")


def test_cover_art_alone_is_no_video(tmp_path: Path) -> None:
    cover = tmp_path / "cover.jpg"
    footage.ffmpeg(*lying.source(1), "-frames:v", "1", str(cover))
    footage.ffmpeg(
        *TONE, "-i", str(cover), "-map", "0", "-map", "1", "-disposition:v", "attached_pic", str(tmp_path / "a.mp3")
    )
    assert said(tmp_path / "a.mp3")[0] == "no_video"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tiff"])
def test_a_picture_is_called_a_picture_whatever_its_name(name: str, tmp_path: Path) -> None:
    footage.ffmpeg(*lying.source(1), "-frames:v", "1", str(tmp_path / name))
    disguised = (tmp_path / name).rename(tmp_path / "film.mp4")
    reason, what = said(disguised)
    assert reason == "not_a_video"
    assert what.startswith(("film.mp4 is a picture", "film.mp4 is a WebP picture"))


def test_a_picture_in_the_container_of_films_is_no_video_and_a_sequence_is_one(tmp_path: Path) -> None:
    """Streams of such a picture are its tiles: one of them is not the picture."""
    still, moving = tmp_path / "still.avif", tmp_path / "moving.avif"
    encoder = ("-c:v", "libsvtav1", "-preset", "12")
    footage.ffmpeg(*lying.source(1), "-frames:v", "1", *encoder, str(still))
    footage.ffmpeg(*lying.source(5), *encoder, str(moving))
    assert said(still) == ("not_a_video", "still.avif is a picture")
    assert len(read_timeline(moving)) == 5


def test_an_animated_webp_is_said_to_be_one(tmp_path: Path) -> None:
    footage.ffmpeg(*lying.source(5), "-c:v", "libwebp_anim", str(tmp_path / "a.webp"))
    assert said(tmp_path / "a.webp") == (
        "not_a_video",
        "a.webp is a WebP picture, which is not read as a video although it is animated",
    )


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"#EXTM3U\n#EXTINF:1,\na.ts\n", "a playlist, which names other files"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "a playlist, which names other files"),
        (b"<!DOCTYPE html><html>404</html>", "a web page or another document in XML"),
        (b"%PDF-1.7\n", "a document"),
        (b"PK\3\4" + bytes(30), "an archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer to a file in Git LFS, not the file"),
    ],
)
def test_other_files_are_called_what_they_are(head: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(head)
    assert said(path) == ("not_a_video", f"film.mp4 is {kind}")


@pytest.mark.parametrize(
    "codec",
    [("libx264",), ("libx265", "-x265-params", "log-level=0"), ("mpeg4",), ("mjpeg",), ("libvpx-vp9",)],
)
def test_encrypted_pictures_are_called_encrypted(codec: tuple[str, ...], tmp_path: Path) -> None:
    path = lying.film(tmp_path, "film.mp4", frames=10, extra=("-c:v", *codec, *CENC))
    assert said(path) == ("encrypted", "its pictures are encrypted")


def test_encrypted_sound_is_neither_copied_nor_heard(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    footage.ffmpeg(*lying.source(20), "-f", "lavfi", "-i", "sine=d=2", *lying.X264, "-c:a", "aac", *CENC, str(path))
    with pytest.raises(ItemError, match="its sound is encrypted"):
        speech_sound(path, Fraction(0), Fraction(1))


def _element(name: bytes, content: bytes) -> bytes:
    return name + (len(content) | 1 << 56).to_bytes(8) + content


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of an element begins and ends, whose length is written here."""
    width = 9 - data[at].bit_length()
    return at + width, at + width + (int.from_bytes(data[at : at + width]) & (1 << 7 * width) - 1)


def _with_key(path: Path, track: int) -> None:
    """Say of a track of a Matroska file without places in it that it is encrypted, by a key with a name."""
    data = path.read_bytes()
    key = _element(b"\x50\x35", _element(b"\x47\xe1", b"\5") + _element(b"\x47\xe2", b"0123456789abcdef"))
    told = _element(b"\x6d\x80", _element(b"\x62\x40", _element(b"\x50\x33", b"\1") + key))
    tracks = data.rindex(b"\x16\x54\xae\x6b", 0, data.index(b"\x1f\x43\xb6\x75"))  # not where it is listed
    at, end = _content(data, tracks + 4)
    entries = []
    while at < end:
        begin, after = _content(data, at + 1)
        if data[at] == 0xAE:
            entries.append(data[begin:after])
        at = after
    entries[track] += told
    made = _element(b"\x16\x54\xae\x6b", b"".join(_element(b"\xae", entry) for entry in entries))
    path.write_bytes(data[:tracks] + made + data[end:])


def test_pictures_and_sound_of_matroska_with_a_key_are_called_encrypted(tmp_path: Path) -> None:
    for track, kind in ((0, "pictures are"), (1, "sound is")):
        path = tmp_path / f"film{track}.mkv"
        footage.ffmpeg(
            *lying.source(20), "-f", "lavfi", "-i", "sine=d=2", *lying.X264, "-c:a", "aac", "-live", "1", str(path)
        )
        timeline = read_timeline(path)
        _with_key(path, track)
        if track == 0:
            assert said(path) == ("encrypted", f"its {kind} encrypted")
            continue
        with pytest.raises(ItemError, match=f"its {kind} encrypted"):
            speech_sound(path, Fraction(0), Fraction(1))
        with pytest.raises(ItemError, match=f"its {kind} encrypted"), remuxer(path, timeline, audio=True):
            pass


def test_a_scrambled_broadcast_is_called_encrypted(tmp_path: Path) -> None:
    path = lying.film(tmp_path, "film.ts", extra=lying.X264)
    data, chance = bytearray(path.read_bytes()), random.Random(1)
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == 256:
            payload = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            data[at + 3] |= 0x80
            data[payload : at + 188] = chance.randbytes(at + 188 - payload)
    path.write_bytes(data)
    with pytest.raises(ItemError, match=r"the pictures of film\.ts are scrambled by their broadcaster") as caught:
        read_timeline(path)
    assert caught.value.reason == "encrypted"


@pytest.mark.parametrize("location", [b"file:///other.mov\0", b"other.mov\0", b""])
def test_a_movie_whose_media_are_in_another_file_is_refused(location: bytes, tmp_path: Path) -> None:
    """A reference that names nothing is one to the movie itself, although its flags do not say so."""
    path = lying.film(tmp_path, "film.mov", frames=10, extra=lying.X264)
    data = path.read_bytes()
    place = data.index(b"dref") - 4
    old = int.from_bytes(data[place : place + 4])
    entry = (12 + len(location)).to_bytes(4) + b"url " + bytes(4) + location
    table = (16 + len(entry)).to_bytes(4) + b"dref" + bytes(4) + (1).to_bytes(4) + entry
    changed = bytearray(data[:place] + table + data[place + old :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):  # the index is behind the pictures: no offset changes
        at = data.index(kind) - 4
        changed[at : at + 4] = (int.from_bytes(data[at : at + 4]) + len(table) - old).to_bytes(4)
    path.write_bytes(changed)
    if not location:
        assert len(read_timeline(path)) == 10
        return
    with pytest.raises(ItemError) as caught:
        read_timeline(path)
    assert caught.value.reason == "not_a_video"
    assert caught.value.what == "film.mov: its pictures are in another file, which is not read"
