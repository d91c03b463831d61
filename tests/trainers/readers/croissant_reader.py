"""Opens a croissant.json with mlcroissant and iterates over every record set: `croissant_reader.py FILE`.

Prints the version that it says to conform to, and the records: contents as their digests, texts as texts.
"""

import hashlib
import json
import os
import sys
import tempfile


def plain(record_set, name, value):
    """A value as JSON; contents are bytes, as texts are in mlcroissant."""
    if name == "content" and record_set != "items":
        return hashlib.sha256(value if isinstance(value, bytes) else value.tobytes()).hexdigest()
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") else value


def main() -> None:
    # mlcroissant unpacks tars into a folder that is named after their relative path alone.
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CROISSANT_CACHE"] = cache
        import mlcroissant

        data = mlcroissant.Dataset(sys.argv[1])
        found = {}
        for one in data.metadata.record_sets:
            records = [
                {name.removeprefix(f"{one.id}/"): value for name, value in record.items()}
                for record in data.records(one.id)
            ]
            found[one.id] = [{name: plain(one.id, name, value) for name, value in record.items()} for record in records]
        print(json.dumps({"version": data.metadata.ctx.conforms_to.value, "records": found}))


if __name__ == "__main__":
    main()
