import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from canaries.traces import traces


def test_a_canary_is_found_in_every_kind_of_file_and_in_names(tmp_path: Path) -> None:
    text = "the word canary-1 in a row"
    (tmp_path / "plain.jsonl").write_text(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "packed.zst").write_bytes(pa.compress(text.encode() * 9, "zstd", asbytes=True))
    pq.write_table(pa.table({"message": [text]}), tmp_path / "rows.parquet", compression="zstd")
    (tmp_path / "canary-1.txt").write_text("")
    (tmp_path / "innocent.txt").write_text("canary")
    found = traces(tmp_path, {"one": "canary-1", "two": "canary-2"})
    names = ("canary-1.txt", "packed.gz", "packed.zst", "plain.jsonl", "rows.parquet")
    assert sorted({each.split(":")[0] for each in found}) == sorted(names)
    assert {each.split(": ")[1] for each in found} == {"one"}
