"""Opens a croissant.json with mlcroissant and iterates over every record set: `croissant_reader.py FILE`.

Prints the version that it says to conform to, and the records: contents as their digests, texts as texts.
"""

import hashlib
import json
import os
import sys
import tempfile


def plain(name, value):
    """A value as JSON; contents are bytes, as texts are in mlcroissant."""
    if name == "content":
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
        found = {
            one.id: [
                {name.partition("/")[2]: plain(name.partition("/")[2], value) for name, value in record.items()}
                for record in data.records(one.id)
            ]
            for one in data.metadata.record_sets
        }
        print(json.dumps({"version": data.metadata.ctx.conforms_to.value, "records": found}))


if __name__ == "__main__":
    main()
