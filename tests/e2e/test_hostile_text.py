"""Names, captions and paths with control characters, through a run and every command that shows them."""

import json
import shutil
import unicodedata
from pathlib import Path

import pytest
from workshop import film

from cli.terminal import reelmill, write

pytestmark = pytest.mark.store  # needs no server, but runs a pipeline
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egpj\u2066\u200b\u2028\r\nforged\x7f\U000e0041"
PIPELINE = """\
apiVersion: reelmill.dev/v1alpha1
kind: VideoPipeline
metadata: {name: hostile}
spec:
  store: {uri: store}
  sources:
  - name: rows
    table: {uri: rows.jsonl, base: videos, columns: {path: path, text: text}}
  stages:
  - {name: clips, clip: {by: length, length: 1s}, failures: {tolerate: 100%}}
  - {name: kept, filter: {rules: [{name: small, field: weight, max: 10}]}, failures: {tolerate: 100%}}
"""
COMMANDS = (
    "plan", "status", "status -o wide", "status -o json", "ledger --outcome failed", "ledger -o json", "funnel",
    "funnel -o json", "why", "logs", "tune -s kept", "diff -s clips", "freeze", "check --deep", "report", "retry",
)  # fmt: skip


def unsafe(text: str) -> set[str]:
    """Characters that a terminal obeys, except line breaks and joiners of letters."""
    found = {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return found - set("\n\u200c\u200d")


def test_no_command_shows_a_control_character_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    shutil.copy(film(), tmp_path / "videos/good.mp4")
    (tmp_path / "videos/bad.mp4").write_bytes(b"no video")
    rows = [{"path": name, "text": HOSTILE} for name in ("good.mp4", "bad.mp4", f"gone{HOSTILE}.mp4")]
    broken = '{"path": "' + HOSTILE.replace("\r\n", "")
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows) + broken)
    path = write(tmp_path, PIPELINE)
    shown = {"run": reelmill("run", path, "-v")}
    for words in COMMANDS:
        command, *options = words.split()
        shown[words] = reelmill(command, path, *options)
    for words in (f"trace {HOSTILE}", "trace rows/good.mp4 -o json"):
        command, item, *options = words.split(" ")
        shown[words] = reelmill(command, path, item, *options)
    assert "rows: 4 rows, 4 of them new: 2 items, 2 failed" in shown["run"].err
    assert {words: unsafe(said.out + said.err) for words, said in shown.items() if unsafe(said.out + said.err)} == {}
    assert {words: said.code for words, said in shown.items() if said.code not in (0, 2, 65)} == {}
    assert "forged" not in [line.strip() for said in shown.values() for line in (said.out + said.err).splitlines()]
    for words in ("status -o json", "ledger -o json", "funnel -o json"):
        json.loads(shown[words].out)
    assert r"\x1b]0;title" in shown["ledger --outcome failed"].out
