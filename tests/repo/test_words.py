"""Nothing in the repository knows the machine or the registry that somebody works with."""

import re

from repo.tree import ROOT, files

OPTIONS = ("index" + "-url", "find" + "-links", "trusted" + "-host", "extra" + "-index")
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "proxy.golang" + ".org")
FOLDERS = r"(?<![\w.])/(?:wo" + "rk|ro" + "ot|fa" + "rm)/"
FORBIDDEN = re.compile("|".join([re.escape(word) for word in HOSTS] + [f"--{word}" for word in OPTIONS] + [FOLDERS]))
ALLOWED = {"Makefile": {"--no-emit-" + OPTIONS[0], "--no-emit-" + OPTIONS[1]}}
TEXT = [path for path in files() if path.suffix not in {".png", ".mp4", ".gz", ".svg"} and path.name != "LICENSE"]


def test_no_registry_and_no_path_of_a_machine_is_written_down() -> None:
    wrong = {}
    for path in TEXT:
        text = path.read_text(errors="replace")
        for word in ALLOWED.get(path.name, ()):
            text = text.replace(word, "")
        if found := FORBIDDEN.search(text):
            wrong[str(path.relative_to(ROOT))] = found.group()
    assert not wrong
