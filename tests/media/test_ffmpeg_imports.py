"""What ffmpeg-python brings along cannot be made to run a file that lies beside a program (CVE-2025-50817)."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from reelmill_stages.media import ffmpeg
print(ffmpeg.binary())
import ffmpeg as library
library.input("a.mp4").filter("scale", 2, 2).output("b.mp4").compile()
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("future", "past", "libfuturize", "test")))
"""


def test_building_a_command_imports_no_module_called_test(tmp_path: Path) -> None:
    (tmp_path / "test.py").write_text("raise SystemExit('a file of the folder was run')")
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1].split()
    assert "past.builtins" in imported
    assert {"future.standard_library", "test"}.isdisjoint(imported)
