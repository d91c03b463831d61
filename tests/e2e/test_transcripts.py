"""What is said in videos, run as users run it."""

from pathlib import Path

import pytest
import yaml
from workshop import Workshop, balanced

from transcribe.speech_home import voice_model
from transcribe.studio import film, listening

pytestmark = pytest.mark.store
SAMPLE = Path(__file__).resolve().parents[2] / "manifests/samples/speech/pipeline.yaml"


def test_009_f03_the_sample_pipeline_runs_to_its_end_and_hears_nothing_twice(tmp_path: Path) -> None:
    (spec,) = (one["spec"] for one in yaml.safe_load_all(SAMPLE.read_text()))
    made = Workshop(tmp_path)
    made.film("talk.mp4", of=film("seven. monkey. elephant.@1.5"))
    made.film("music.mp4", of=film("music"))
    made.film("mute.mp4", of=film())
    made.files()
    made.sources[0]["name"] = "videos"
    made.stages = spec["stages"]
    with listening(tmp_path / "listener") as listener:
        made.stages[0]["transcribe"] |= {
            "server": {"url": listener.url}, "model": "sphinx", "voice": {"weights": {"uri": str(voice_model())}},
        }  # fmt: skip
        ended = made.run()
        assert len(listener.log()) == 1
    balanced(made, "transcripts", "tars")
    assert {name: stage["totals"]["done"] for name, stage in ended.items()} == {"transcripts": 3, "tars": 3}
    assert ended["transcripts"]["counters"] == {"no_sound": 1, "no_speech": 1, "requests": 1}
    items = made.items("transcripts")
    texts = {key: item.fields["text"] for key, item in items.items()}
    assert texts == {"talk.mp4": "seven monkey elephant", "music.mp4": "", "mute.mp4": ""}
    assert {key: item.media for key, item in items.items()} == {
        key: item.media for key, item in made.items("videos").items()
    }
    assert made.tell("check", "--stage", "transcripts").code == 0
    # What is complete needs no server, wherever it is.
    made.stages[0]["transcribe"]["server"] = {"url": "http://127.0.0.1:1/v1"}
    assert made.run()["transcripts"]["state"] == "cached"
