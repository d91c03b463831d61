"""`reelmill check` for an index of tars: verifies that it can be opened safely and matches the tars."""

from collections.abc import Iterator
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.index.index_file import IndexRow, parse
from reelmill_stages.tar.inspect import contents

FORMAT = "index"
NAMES = ("index.pkl", "index.json")


class IndexCheck:
    """The check for a folder with index.pkl or index.json."""

    def detect(self, folder: Path) -> bool:
        return any((folder / name).is_file() for name in NAMES)

    def check(self, folder: Path) -> Iterator[Finding]:
        read: dict[str, list[IndexRow]] = {}
        for name in NAMES:
            path = folder / name
            if not path.is_file():
                yield Finding(
                    name,
                    "present",
                    False,
                    "the file is missing: the trainer reads index.pkl, other programs read index.json",
                )
                continue
            try:
                read[name] = rows = parse(path.read_bytes(), path.suffix)
            except SpecError as error:
                yield Finding(name, "plain", False, f"{error.what}; {error.hint}")
                continue
            yield from _check_listing(name, rows)
        if len(read) == len(NAMES) and read["index.pkl"] != read["index.json"]:
            yield Finding("index.json", "twin", False, "the rows differ from those of index.pkl")
        for row in next(iter(read.values()), []):
            yield _check_tar(folder, row)


def _check_listing(name: str, rows: list[IndexRow]) -> Iterator[Finding]:
    urls = [row["url"] for row in rows]
    if not rows:
        yield Finding(name, "empty", False, "the index lists no tars")
    elif len(set(urls)) < len(urls):
        twice = next(url for url in urls if urls.count(url) > 1)
        yield Finding(name, "unique_urls", False, f"{twice} is listed twice")
    else:
        samples = sum(row["nsamples"] for row in rows)
        yield Finding(name, "plain", True, f"{count_of(len(rows), 'tar')}, {count_of(samples, 'sample')}")


def _check_tar(folder: Path, row: IndexRow) -> Finding:
    url = row["url"]
    if "://" in url:
        return Finding(url, "tar", True, "not a local file: only its row was checked")
    path = folder / url
    if not path.is_file():
        return Finding(url, "tar_missing", False, f"{path} is missing")
    found = contents(path)
    if found.problems:
        return Finding(url, "bad_tar", False, f"{found.problems[0].rule}: {found.problems[0].message}")
    if found.count != row["nsamples"]:
        return Finding(
            url, "nsamples", False, f"the tar has {count_of(found.count, 'sample')}, the index says {row['nsamples']}"
        )
    return Finding(url, "tar", True, f"{count_of(found.count, 'sample')}{found.remarks and '; ' + found.remarks}")
