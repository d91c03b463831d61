"""CLIP4MC's pickles open under the numpy that its trainer pins, by plain pickle."""

import pickle
from pathlib import Path

from frames.workplace import clip, done, item
from trainers.environments import seen_by


def test_000_p1_samples_open_under_numpy_1_23(tmp_path: Path) -> None:
    (made,) = done(tmp_path, item(clip())).items
    video, text = (
        pickle.loads(next(file.path for file in made.files if file.path.name == name).read_bytes())
        for name in ("video_input.pkl", "text_input.pkl")
    )
    seen = seen_by("clip4mc", tmp_path)
    assert seen["numpy"] == "1.23.4"
    assert seen["rows"] == [
        {"video": ["uint8", [16, 160, 256, 3], int(video.sum())], "tokens": ["int64", list(text["tokens"].shape)]}
    ]
