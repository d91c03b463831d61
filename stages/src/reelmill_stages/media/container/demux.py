"""Opening of media files: permitted demuxers, choice of the video stream, and conversion of errors.

Only this module calls `av.open` for reading. Playlists and network protocols are refused, so a hostile file cannot make
a worker read anything else.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from reelmill.contract.errors import Exhausted, ItemError, TransientError
from reelmill.contract.process.exhaustion import exhausted
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container.changes.program_map import move_error, program_of
from reelmill_stages.media.container.data_references import in_other_files
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.foreign_files import is_still, kind_of
from reelmill_stages.media_file import MediaFile, size_of

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mxf,rm,wtv,nut,ivf,h264,hevc,av1,obu,"
    "mpegvideo,m4v,dv,live_flv,apng,y4m,yuv4mpegpipe,mjpeg,vvc,vc1,h261,h263,dirac,cavsvideo,gxf,"
    "mp3,wav,w64,flac,aac,ac3,eac3,dts,truehd,aiff,caf,au,amr,ape,wv,tta,tak"
)
"""Demuxers that read a single file. Those for audio files are included so that the error is `no_video`."""

_REFUSING = "crccheck+explode"
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
CHECKSUMS = {
    "flac": _REFUSING,
    "ac3": _REFUSING,
    "eac3": _REFUSING,
    "tta": _REFUSING,
    "png": _REFUSING,
    "apng": _REFUSING,
    "mjpeg": "explode",
    "jpegls": "explode",
}
"""Decoders that verify checksums, or refuse pictures that end too early, only if `err_detect` asks for it."""
_KINDS = {"video": "pictures are", "audio": "sound is"}
_KEY_OF_MATROSKA = "enc_key_id"
"""FFmpeg's name of the key id in the metadata of a stream."""
_MACHINE_ERRORS = {errno.ENOSPC, errno.EIO}


@contextmanager
def opened(
    path: MediaFile, *, hwaccel: HWAccel | None = None, sound: bool = False, own_times: bool = False
) -> Iterator[InputContainer]:
    """Open a container. In a remote file, tracks other than the video are empty unless `sound` is set.

    With `own_times`, packets have only the times stored in the file. Raises ItemError(`missing`, `empty`,
    `not_a_video`, `stream_moves`, `truncated`, `corrupt`).
    """
    try:
        size = size_of(path)
    except OSError as error:
        raise ItemError(ItemReason.MISSING, f"{path.name}: {error.strerror}") from error
    if size == 0:
        raise ItemError(ItemReason.EMPTY, f"{path.name} is empty")
    try:
        container = av.open(
            str(path.absolute()) if isinstance(path, Path) else path.open(sound=sound).detach(),
            "r",
            options={**_OPTIONS, **({"fflags": "nofillin"} if own_times else {})},
            metadata_errors="replace",
            hwaccel=hwaccel,
        )
    except av.FFmpegError as error:
        if hwaccel is not None:
            raise
        if kind := kind_of(path):
            raise ItemError(ItemReason.NOT_A_VIDEO, f"{path.name} is {kind}") from error
        meaning = damage(path, error)
        raise (isinstance(meaning, ItemError) and move_error(path)) or meaning from error
    with container:
        if is_still(container.metadata.get("major_brand", ""), [each.duration for each in container.streams]):
            raise ItemError(ItemReason.NOT_A_VIDEO, f"{path.name} is a picture")
        if "mov" in container.format.name and isinstance(path, Path) and (kind := in_other_files(path)):
            raise ItemError(ItemReason.NOT_A_VIDEO, f"{path.name}: its {kind} in another file, which is not read")
        for stream in (*container.streams.video, *container.streams.audio):
            codec = stream.codec_context
            if codec is not None and codec.name in CHECKSUMS:
                codec.options = {"err_detect": CHECKSUMS[codec.name]}
        yield container
    _raise_read_failure(path)


def _raise_read_failure(path: MediaFile) -> None:
    """Raise the error of a read that a demuxer took for the end of the file."""
    if not isinstance(path, Path) and path.failure is not None:
        raise path.failure


def damage(path: MediaFile, error: BaseException) -> ItemError | TransientError:
    """Convert an error of a demuxer or decoder to the item's error. Raises the read error that caused it, if any."""
    _raise_read_failure(path)
    code = getattr(error, "errno", None)
    if short_of := exhausted(error):
        return Exhausted(short_of, f"{path.name}: {reason(error)}", hint=short_of.remedy)
    if code in _MACHINE_ERRORS and not (code == errno.EIO and _is_readable(path)):
        return TransientError(
            f"{path.name}: {error}", hint="the machine ran out of a resource; another attempt may succeed"
        )
    if is_cut_short(path):
        return ItemError(ItemReason.TRUNCATED, f"{path.name} ends before the container says it does: {reason(error)}")
    return ItemError(ItemReason.CORRUPT, f"{path.name}: {reason(error)}")


def _is_readable(path: MediaFile) -> bool:
    """Whether all bytes can be read: demuxers also report an input error for a file that ends too early."""
    if not isinstance(path, Path):
        return True
    try:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True


def reason(error: BaseException) -> str:
    """Return the library's message in one line, without paths of this machine."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def video_stream(path: MediaFile, container: InputContainer, index: int | None = None) -> VideoStream:
    """Return stream `index`, or the stream that players show, which is never cover art. Discards all others.

    Raises ItemError(`no_video`).
    """
    chosen = _shown_stream(container)
    if index is not None:
        chosen = next((stream for stream in _moving_pictures(container) if stream.index == index), None)
    if chosen is None:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        raise ItemError(ItemReason.NO_VIDEO, f"{path.name} has no video stream (streams: {kinds})")
    for stream in container.streams:
        stream.discard = Discard.default if stream.index == chosen.index else Discard.all
    # Without this flag, decoders crop the left and top only to aligned offsets.
    chosen.codec_context.flags |= Flags.unaligned
    return chosen


def _shown_stream(container: InputContainer) -> VideoStream | None:
    streams = _moving_pictures(container)
    best = container.streams.best("video")
    chosen = next((stream for stream in streams if best is not None and stream.index == best.index), None)
    return chosen or next(iter(streams), None)


def _moving_pictures(container: InputContainer) -> list[VideoStream]:
    """Return the video streams whose codec FFmpeg supports, without cover art."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    return [stream for stream in streams if stream.codec_context is not None]


def audio_streams(path: MediaFile, container: InputContainer, video: VideoStream | None = None) -> list[AudioStream]:
    """Return the audio streams of `audio_tracks` whose codec FFmpeg supports; others have no codec context."""
    return [stream for stream in audio_tracks(path, container, video) if stream.codec_context is not None]


def audio_tracks(path: MediaFile, container: InputContainer, video: VideoStream | None = None) -> list[AudioStream]:
    """Return the audio streams that belong to `video`, by default to the stream that players show.

    A transport stream may contain several programs; of other files, these are all audio streams.
    """
    tracks = list(container.streams.audio)
    video = video or _shown_stream(container)
    pids = None if video is None else program_of(path, container.format.name, video.id)
    return tracks if pids is None else [stream for stream in tracks if stream.id in pids]


def packets(path: MediaFile, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Yield the stream's packets in decode order, without the final empty ones. Errors become ItemErrors."""
    try:
        yield from demuxed(container, stream)
    except av.FFmpegError as error:
        raise damage(path, error) from error


def refuse_encrypted(stream: Any) -> None:
    """Raise ItemError(`encrypted`) for a Matroska stream with a key id; in mp4 files, packets are checked instead."""
    if _KEY_OF_MATROSKA in stream.metadata:
        raise _encrypted_error(stream)


def _encrypted_error(stream: Any) -> ItemError:
    return ItemError(ItemReason.ENCRYPTED, f"its {_KINDS.get(stream.type, 'data')} encrypted")


def demuxed(container: InputContainer, stream: Any) -> Iterator[Packet[Any]]:
    """Yield the non-empty packets of a stream from the container's current position.

    Raises FFmpeg's errors, and ItemError(`encrypted`), because decoders output garbage for encrypted pictures.
    """
    refuse_encrypted(stream)
    try:
        for packet in container.demux(stream):
            if packet.has_sidedata("encryption_info"):
                raise _encrypted_error(stream)
            if packet.size:
                yield packet
    except IndexError:
        # At the end, PyAV looks up streams that began in the middle, which it does not have.
        return


def decoded(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Yield the frames of a stream from the container's current position. Raises FFmpeg's errors."""
    for packet in demuxed(container, stream):
        yield from packet.decode()
    for frame in stream.decode(None):
        frame.time_base = stream.time_base
        yield frame
