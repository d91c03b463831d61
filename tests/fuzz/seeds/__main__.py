"""Write the first inputs of every target to the corpus: `python -m fuzz.seeds` with tests/ on PYTHONPATH."""

from collections import Counter

from fuzz.corpus import add
from fuzz.seeds import files, media, records


def main() -> None:
    written: Counter[str] = Counter()
    for module in (media, files, records):
        for target, data in module.seeds():
            add(target, data)
            written[target] += 1
    print(f"{written.total()} inputs of {len(written)} targets")


if __name__ == "__main__":
    main()
