"""`make demo`: the main job on real footage, with the commands that a user would type, in the folder demo/."""

import os
import subprocess
import sys
import time
from pathlib import Path

from inputs import prepare, put_aside
from sheet import contact_sheet

from reelmill.contract.task import StoreRef
from reelmill_stages.records.data_set import open_data_set
from reelmill_stages.stages.frames.reader import open_samples
from reelmill_stages.store.open import open_store

FOLDER = Path("demo")
SHEET = FOLDER / "contact-sheet.png"
REELMILL = Path(sys.executable).with_name("reelmill")


def reelmill(*arguments: str) -> None:
    """One command, shown and run."""
    print(f"\n$ reelmill {' '.join(arguments)}", flush=True)
    code = subprocess.run([REELMILL, *arguments], cwd=FOLDER, check=False).returncode
    if code:
        raise SystemExit(f"reelmill {arguments[0]} ended with {code}")


def captions() -> dict[str, str]:
    """Sample folder -> caption, from the items of the data set."""
    data = open_data_set(open_store(StoreRef(uri=str(FOLDER / "data")), env={}), "samples")
    return {Path(item.outputs[0].key).parent.name: str(item.fields["text"]) for item in data.items()}


def main() -> None:
    """Everything, in order."""
    began = time.monotonic()
    if earlier := put_aside(FOLDER):
        print(f"what an earlier demo left is in {earlier} now; delete it when you like")
    prepare(FOLDER)
    print(f"inputs: {FOLDER}/videos, {FOLDER}/captions.csv; one of the videos is cut off in the middle")
    reelmill("plan", "pipeline.yaml")
    reelmill("run", "pipeline.yaml")
    reelmill("ledger", "pipeline.yaml")
    reelmill("ledger", "pipeline.yaml", "--outcome", "failed")
    reelmill("export", "pipeline.yaml", "samples", "samples")
    texts = captions()
    samples = list(open_samples(FOLDER / "samples"))
    print(f"\nread back without torch: {len(samples)} samples")
    for sample in samples[:3]:
        words = int((sample.tokens != sample.tokens[-1]).sum())
        print(f"  {sample.folder.name}: frames {sample.frames.shape} {sample.frames.dtype}, {words} tokens")
    contact_sheet([(sample, texts[sample.folder.name]) for sample in samples], SHEET)
    print(f"contact sheet: {SHEET}")
    print(f"\ndone in {time.monotonic() - began:.0f} s. Try next:\n\n  cd {FOLDER}")
    for command in (
        "run pipeline.yaml                 # again: nothing is left to do",
        "status pipeline.yaml              # what every stage has",
        "check pipeline.yaml --stage shards --all   # would a trainer take these tars?",
    ):
        print(f"  {os.path.relpath(REELMILL, FOLDER)} {command}")


if __name__ == "__main__":
    main()
