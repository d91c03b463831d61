"""Print the dependencies of distributions in this repository, so that an image can install them before their code.

`dependencies.py FOLDER[extra,…] …`: each folder contains a pyproject.toml. Dependencies between the named distributions
are left out.
"""

import re
import sys
import tomllib
from pathlib import Path


def dependencies(asked: list[str]) -> list[str]:
    """The requirements of the named distributions, without duplicates, in order."""
    found: list[str] = []
    own: set[str] = set()
    for word in asked:
        folder, _, extras = word.rstrip("]").partition("[")
        project = tomllib.loads((Path(folder) / "pyproject.toml").read_text())["project"]
        own.add(project["name"])
        found += project["dependencies"]
        for extra in filter(None, extras.split(",")):
            found += project["optional-dependencies"][extra]
    return [one for one in dict.fromkeys(found) if re.split(r"[^\w.-]", one, maxsplit=1)[0] not in own]


if __name__ == "__main__":
    print("\n".join(dependencies(sys.argv[1:])))
