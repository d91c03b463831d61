"""Opens a packed folder with Hugging Face datasets, untouched: `huggingface_reader.py FOLDER streaming|download`."""

import hashlib
import json
import sys
import tempfile

import datasets


def plain(value):
    """Bytes as their digest, media undecoded."""
    if isinstance(value, dict) and set(value) == {"bytes", "path"}:
        value = value["bytes"]
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value


def main() -> None:
    folder, mode = sys.argv[1:]
    with tempfile.TemporaryDirectory() as cache:
        data = datasets.load_dataset(folder, streaming=mode == "streaming", cache_dir=cache)["train"]
        kinds = {}
        for name, feature in data.features.items():
            kinds[name] = type(feature).__name__
            if kinds[name] in ("Video", "Image"):
                data = data.cast_column(name, type(feature)(decode=False))
        rows = [{name: plain(value) for name, value in row.items() if name != "__url__"} for row in data]
    print(json.dumps({"kinds": kinds, "rows": rows}))


if __name__ == "__main__":
    main()
