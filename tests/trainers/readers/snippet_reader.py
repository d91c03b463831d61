"""Runs the code of a page, as it stands there: `snippet_reader.py FOLDER CODE`, where FOLDER holds `exported`."""

import contextlib
import io
import json
import os
import sys


def main() -> None:
    folder, code = sys.argv[1:]
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(code, "page", "exec"), {"__name__": "__main__"})
    print(json.dumps(said.getvalue().splitlines()))


if __name__ == "__main__":
    main()
