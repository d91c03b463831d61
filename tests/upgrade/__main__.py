"""Writes what a release leaves in a store: `python tests/upgrade --program PROGRAM tests/upgrade/data/VERSION.tar.gz`.

Run it once for each release, with that release's program, and commit the archive: later versions must read it.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import footage
from upgrade.archive import pack

HERE = Path(__file__).parent
ROWS = ("path,text,start,end", "a.mp4,blocks count from zero,0,1", "a.mp4,blocks go on counting,1,2")
LATER = "b.mp4,other blocks,0.5,1.5"


def made(program: Path, folder: Path) -> None:
    """Run the pipeline twice in a folder: the second time with another video and row, for a second segment."""
    videos = folder / "videos"
    videos.mkdir()
    shutil.copyfile(HERE / "pipeline.yaml", folder / "pipeline.yaml")
    shutil.copyfile(footage.video(seconds=2.0, size=(96, 64)), videos / "a.mp4")
    (videos / "broken.mp4").write_bytes((videos / "a.mp4").read_bytes()[:2000])
    (folder / "captions.csv").write_text("\n".join(ROWS) + "\n")
    _run(program, folder)
    shutil.copyfile(footage.video(seconds=2.0, size=(80, 48), audio=False), videos / "b.mp4")
    (folder / "captions.csv").write_text("\n".join((*ROWS, LATER)) + "\n")
    _run(program, folder)


def _run(program: Path, folder: Path) -> None:
    done = subprocess.run([program.absolute(), "run", "pipeline.yaml"], cwd=folder, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    if done.returncode:
        sys.exit(f"{program} ended with {done.returncode}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="reelmill of the release")
    parser.add_argument("archive", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(passing) / "kept"
        folder.mkdir()
        made(given.program, folder)
        pack(folder, given.archive)


if __name__ == "__main__":
    main()
