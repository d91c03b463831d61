"""A pipeline whose table names licences, run to its end."""

import shutil
from pathlib import Path

import footage
from cli.terminal import reelmill

PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: films}
spec:
  store: {uri: data}
  sources:
  - name: raw
    table: {uri: captions.csv, columns: {text: text, keep: [license, place]}}   # one row per film
  stages:
  - name: clips
    clip: {by: length, length: 1s, mode: copy}
  - name: keep
    filter: {rules: [{name: short, field: duration, min: 0.9s}]}
  - name: tars
    pack: {samplesPerTar: 2}
  - name: rows
    from: [keep]
    write: {format: parquet, columns: [{field: text, type: string}]}
"""
HOSTILE = "a | <b>x</b> [l](http://h.example) `y` ![z](q.png) www.h.ex"
ROWS = [("a", 2.5, HOSTILE, "CC BY 4.0", "0012"), ("b", 1.0, "夜多い", "cc-by-4.0", "7"), ("c", 2.0, "x", "Mine", "8")]


def films(folder: Path, text: str = PIPELINE) -> Path:
    """The pipeline file, after its run."""
    (folder / "videos").mkdir(parents=True)
    lines = ["path,text,license,place", "videos/gone.mp4,gone,Mine,8"]
    for name, seconds, caption, licence, place in ROWS:
        shutil.copy(footage.video(seconds=seconds, size=(128, 96), audio=False), folder / f"videos/{name}.mp4")
        lines.append(f'videos/{name}.mp4,"{caption}",{licence},{place}')
    (folder / "captions.csv").write_text("\n".join(lines) + "\n")
    path = folder / "pipeline.yaml"
    path.write_text(text.replace("uri: data", f"uri: {folder}/data").replace("captions.csv", f"{folder}/captions.csv"))
    said = reelmill("run", path, "-q")
    assert said.code == 0, said.err
    return path
