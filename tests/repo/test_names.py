"""Names of the two distributions: one meaning each, and folders that can be read at a glance."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

from repo.tree import modules, parsed

MOST_MODULES = 16
"""In one folder, its `__init__` included."""
ONE_PER_BLOCK = "contract/spec/stages"
"""A folder with one module for each stage, which is found by its name: as long as the list of stages."""


def test_no_public_class_name_exists_twice() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for name, path in modules():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert not {name: found for name, found in homes.items() if len(found) > 1}


def test_no_folder_holds_more_modules_than_a_reader_keeps_in_mind() -> None:
    sizes: Counter[Path] = Counter(path.parent for _, path in modules())
    assert not {
        str(folder): size for folder, size in sizes.items() if size > MOST_MODULES and not folder.match(ONE_PER_BLOCK)
    }
