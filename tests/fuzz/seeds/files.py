"""Seeds for parsers of tars, arrays, weights, tables, metadata and texts."""

import io
import json
import pickle
import tarfile
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from fuzz.seeds.media import Seeds
from fuzz.targets.answers import answer
from fuzz.targets.scratch import SEPARATOR
from reelmill_stages.stages.frames.pickles import FRAMES_TAIL, dump_arrays, frames_head
from reelmill_stages.stages.grid.containers import container
from reelmill_stages.stages.index.plain_pickle import dumps

_SAMPLE = {"caption": "x", "prompt": "<image>", "txt": "y", "image_name_list": ["0-0"], "video_id": "a"}
_PACK = {"input_ids": [1, 5, 2], "loss_mask": [0, 1, 1], "document_offsets": [0, 3], "position_ids": [0, 1, 2]}
_LABELS = {"videoLabels": [{"timelinelabels": ["start", "end"], "ranges": [{"start": 1, "end": 9}]}]}


def seeds() -> Seeds:
    """The seeds of all targets except media and records."""
    yield from _tars()
    yield from _arrays()
    yield from _features()
    yield from _answers()
    yield from _tables()
    yield from _listings()
    yield from _texts()


def _tars() -> Seeds:
    jpeg = _image("JPEG")
    members = {"0.json": _json(_SAMPLE), "0.0.jpg": jpeg, "1.json": _json(_PACK), "d/2.json": _json(
        {"conversations": [{"from": "human", "value": "<image>a"}, {"from": "gpt", "value": "b"}],
         "image_name_list": ["2-0"]}), "d/2.0.jpg": jpeg}  # fmt: skip
    for format_ in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for names in (members, {f"{'é' * 50}/{'é' * 20}{name}": data for name, data in members.items()}):
            made = _tar(names, format_)
            for target in ("tar", "tar-content", "tar-documents"):
                yield target, made
    yield "check-files", _tar(members, tarfile.GNU_FORMAT)
    packed = _tar(members, tarfile.GNU_FORMAT)
    ends = b"".join(place.to_bytes(8, "little") for place in (0, 3072, 4608, len(packed) - 1024))
    yield "tar-reader", packed
    yield "tar-reader", SEPARATOR.join([packed, ends, _json({"shard_counts": {"a.tar": 3}})])
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000", "GNU.sparse.name": "a.b"}
    yield "tar", _tar({"x": b"1\n0\n4\n".ljust(512, b"\0") + b"data"}, tarfile.PAX_FORMAT, sparse)
    yield "tar", _tar({"x": b"data"}, tarfile.PAX_FORMAT, {"GNU.sparse.map": "0,4", "GNU.sparse.size": "9"})
    old = bytearray(_tar({"x": b"data"}, tarfile.GNU_FORMAT))
    old[156:157], old[386:410], old[483:495] = b"S", b"00000000000\00000000000004"[:24], b"00000000100\0"
    yield "tar", bytes(old)


def _arrays() -> Seeds:
    joints = {"pred_keypoints_3d": np.zeros((70, 3), np.float32)}
    for content in (np.array(joints, object), np.zeros((2, 96, 96), np.uint8)[:, :4, :4], np.zeros((2, 4), np.float32)):
        npy, npz = io.BytesIO(), io.BytesIO()
        np.save(npy, content)
        np.savez(npz, output=content, data=content, embedding=content)
        for target in ("keypoints", "lip-crops", "grid-npz", "check-files"):
            yield target, npy.getvalue()
            yield target, npz.getvalue()
    tokens = dump_arrays({"tokens": np.arange(4)})
    frames = frames_head((1, 2, 2, 3)) + bytes(12) + FRAMES_TAIL
    for data in (tokens, frames, pickle.dumps({"a": [1, 2.0, "x", None]}), dumps([{"url": "a.tar", "nsamples": 3}])):
        for target in ("frames-pickle", "plain-pickles", "check-files", "weights"):
            yield target, data
    safetensors = _json({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {}})
    yield "weights", len(safetensors).to_bytes(8, "little") + safetensors + bytes(16)
    yield "weights", safetensors
    yield (
        "weights",
        (
            b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"
            b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x04tq\x07QK\x00K\x02K\x02\x86q"
            b"\x08K\x02K\x01\x86q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs."
        ),
    )
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(240))
    yield "wav", sound.getvalue()


def _features() -> Seeds:
    with tempfile.TemporaryDirectory() as folder:
        for kind, compression in (("hdf5", 0), ("hdf5", 1), ("lmdb", 0)):
            path = Path(folder) / f"{kind}{compression}"
            writer = container(kind).write(path, compression)
            writer.add([("9_grids", np.zeros((2, 4), np.float32)), ("10_grids", np.ones((1, 4), np.float32))])
            writer.close({"model": "m", "count": 2})
            yield f"grid-{kind}", path.read_bytes()


def _answers() -> Seeds:
    about = {"etag": '"e"', "last-modified": "Sun, 01 Nov 2026 00:00:00 GMT", "content-length": "5",
             "x-amz-meta-a": "b", "date": "Sun, 01 Nov 2026 00:00:00 GMT", "x-amz-version-id": "v"}  # fmt: skip
    entry = (
        b"<Contents><Key>p/k%b</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
        b"<ETag>&quot;e&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
    page = (
        b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>p/</Prefix>'
        b"<IsTruncated>%b</IsTruncated><NextContinuationToken>t</NextContinuationToken>%b</ListBucketResult>"
    )
    pages = (page % (b"true", entry % b"1"), page % (b"false", entry % b"2"))
    yield "s3-answers", SEPARATOR.join(answer(200, each, about) for each in pages)
    yield "s3-answers", answer(200, b"hello", about)
    yield "s3-answers", answer(206, b"hello", about | {"content-range": "bytes 1-5/6"})
    error = b"<Error><Code>%b</Code><Message>m</Message><Resource>/bucket/k</Resource><RequestId>1</RequestId></Error>"
    for status, code in ((404, b"NoSuchKey"), (404, b"NoSuchBucket"), (412, b"PreconditionFailed"), (503, b"SlowDown")):
        yield "s3-answers", answer(status, error % code, {"content-type": "application/xml"})
    begun = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    done = b"<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>"
    answers = [answer(200, begun, about), answer(200, b"", about), answer(200, b"", about), answer(200, done, about)]
    yield "s3-answers", SEPARATOR.join(answers)
    yield "s3-answers", answer(200, b"<html>a page of a proxy</html>", {"content-type": "text/html"})


def _tables() -> Seeds:
    yield "separated", b'a,b,path\n1,"x, ""y""",p.mp4\r\n"two\nlines",2,q\n"open,3\n\xff,4\n'
    yield "separated", b'a\tb\tpath\n"1"\tx "y"\tp.mp4\n'
    rows = [{"a": 1, "b": "x", "path": "p"}, {"a": 1.5, "b": None}, {"a": [1], "b": {"c": True}}]
    yield "json-values", _json(rows)
    yield "json-values", b"\n".join(map(_json, rows))
    table = pa.table({"a": [1, 2], "b": [["x"], []], "path": [{"c": 1.0}, None]})
    for compression in ("none", "snappy"):
        made = io.BytesIO()
        parquet.write_table(table, made, compression=compression, write_statistics=False, store_schema=False)
        yield "parquet", made.getvalue()
    yield (
        "info-csv",
        b"url,filename\nhttps://www.youtube.com/watch?v=abcdefghijk,a.mp4\nhttps://youtu.be/abcdefghijl,b\n",
    )
    yield "info-csv", b"url,title,status\nhttps://www.youtube.com/shorts/abcdefghijk,A: b?,done\n"
    cells: list[Any] = [1, "a", "00:01:02.5", 1.5, [{"from": "human", "value": "x"}], [1, 2.5], "s3://b/a/k.mp4", None]
    yield "table-cells", b"\n".join(map(_json, cells))


def _listings() -> Seeds:
    yield "table-listing", b"path,text,id,start,end,more\na.mp4,x,v1,0,1.5,m\nsub/b.mp4,y,v2,00:00:01,00:00:02,n\n"
    yield "table-listing", b'{"path":"a.mp4","text":"x","id":"v","start":0,"end":2,"more":[1]}\n{"path":"../a.mp4"}'
    turns = [{"from": "human", "value": "<video>q"}, {"from": "gpt", "value": "a"}]
    for rows in (
        {"image": {"0": "a.mp4"}, "value": {"0": "x"}},
        [{"image": "a.mp4", "value": "x", "video": "a.mp4", "caption": "y", "video_path": "sub/b.mp4"}],
        [{"video": "a.mp4", "conversations": turns, "QA": [{"i": "w", "q": "q", "a": "a"}]}],
        [{"YoutubeID": "a", "Start_timestamp": "0", "End_timestamp": "1", "Caption": "x",
          "clips": [{"clip_path": "x/sub/b", "caption": "y"}]}],
    ):  # fmt: skip
        yield "caption-listing", _json(rows)
    yield "pair-listing", _json([{"vid": "v", "clip_path": "x/a.mp4", "transcript": "t", "begin_time": 0, "end_time": 2,
                                  "duration": 2, "size": [1.0]}])  # fmt: skip
    metadata = [{"vid": "a", "transcript clip": "t", "begin position": 0, "end position": "00:00:02", "size": [1]}]
    info = b"url,filename\nhttps://youtu.be/abcdefghijk,a.mp4\n"
    yield "clip4mc-listing", _json(metadata) + SEPARATOR + info
    side = _json([["s.wav", "a.npz", 32000]])
    yield "lip-listing", SEPARATOR.join([_json([["m.wav", 32000]]), side, side])
    labels = _LABELS | {"completed_by": 1, "updated_at": "2026-01-01T00:00:00Z"}
    index = {"0": {"train": [{"person_id": "01", "env_folder": "夜多い"}], "val": [], "test": []}}
    ranges = [_LABELS | {"video": "person_01_night_high_h265.mp4"}]
    yield "multiview-listing", SEPARATOR.join([_json(ranges), _json({"annotations": [labels]}), _json(index)])
    view = {"frames": [0, 8], "media": {"uri": "a.mp4"}, "fps": 10, "pts": [0, 8], "time_base": "1/10"}
    chunk = {
        "key": "c", "original_item": {"key": "v"}, "views": {"front": view}, "labels": [[0, 8, "x"]], "chunk_idx": 0,
        "total_chunks": 1, "chunk_start_frame": 0, "chunk_end_frame": 8, "start_frame_offset": 0,
        "keypoints": {"front": {"file": "a.npy", "frames": [0, 8]}},
    }  # fmt: skip
    params = {"classes": ["x"], "maxFrames": 8, "overlap": 0, "gaps": "front"}
    yield "check-texts", _json({"version": 1, "params": params, "entries": [chunk], "videos": 1, "chunks": 1})
    yield "check-texts", _json([{"vid": "v", "clip_path": "a.mp4", "transcript": "", "begin_time": 0, "end_time": 1,
                                 "duration": 1, "size": [], "url": "a.tar", "nsamples": 1}])  # fmt: skip
    yield "check-texts", _json({"train": ["sample"], "val": [], "test": [], "rows": 1, "shard_counts": {"a.tar": 1},
                                "split_parts": {"train": ["a.tar"]}, "sample_type": 1, "field_map": 1})  # fmt: skip
    mixtures, speakers = [["m/mix/a_b_c_d_e.wav", 32000]], [["m/s1/a_b_c_d_e.wav", "x.npz", 32000]]
    yield "check-texts", _json(mixtures) + SEPARATOR + _json(speakers)
    symbols = {"patch": 1, "start": 2, "end": 3, "bos": 4, "eos": 5}
    yield "check-texts", _json({"maxTokens": 8, "patchesPerImage": 2, "symbols": symbols, "vocabulary": 9})
    front = b"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: '*.tar'\n---\n"
    yield "check-texts", front


def _texts() -> Seeds:
    yield "nested-json", _json({"a": [1, {"b": "[{"}], "c": '\\"]'})
    yield "nested-json", b"[" * 120 + b"]" * 120
    yield "yaml-values", b"a: {b: [1, 2.5, 2026-01-01, 0x1f, 1:30, ~], <<: {c: d}}\n? [x]\n: !!binary aGk=\n"
    for format_ in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"):
        yield "image", _image(format_)
    yield "glob", b"videos/**/*a?[!b-d].mp4\nvideos/x/y/za1e.mp4\n"
    yield "glob", b"**/a*b*c/**/x/\na/b"
    yield "messages", b"GET https://user:pa@ss@host:1/b/k?X-Amz-Signature=1&x=2#f failed: \x1b[31m \xe2\x80\xae\n"
    yield "messages", b"/bucket/key?X-Amz-Credential=a&token=b&c=d"
    yield (
        "log-lines",
        b'{"ts":"2026-01-01T00:00:00Z","level":"error","msg":"m","a":1,"traceback":"T\\nE: x"}\nplain\n[1]',
    )
    yield "merge-list", b"#version\na b</w>\nab c\n"


def _tar(members: dict[str, bytes], format_: int, headers: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format_) as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(data), headers or {}
            tar.addfile(member, io.BytesIO(data))
        end = tar.offset
    return made.getvalue()[: end + 1024]


def _image(format_: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 40)).save(made, format_)
    return made.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
