"""A reader that is open while a segment is added continues with the samples that it has; a new one reads all."""

from pathlib import Path

import pytest

from trainers.environments import last_line, start_reader
from trainers.folders import films
from trainers.lance_home import use_lance
from write.desk import Written, block

ENVIRONMENTS = {"parquet": "huggingface", "mds": "mds", "lance": "lance"}


@pytest.mark.parametrize("format_", ENVIRONMENTS)
def test_015_f05_an_open_reader_continues_with_its_samples_while_the_data_set_grows(
    format_: str, tmp_path: Path
) -> None:
    if format_ == "lance":
        use_lance()
    made = Written(block(format_, samplesPerFile=2), tmp_path / "set")
    made.add(films()[:4])
    reader = start_reader(ENVIRONMENTS[format_], made.folder, format_, reader="open")
    assert reader.stdout
    said = next((line for line in reader.stdout if line == "waiting\n"), "")
    if said:
        made.add(films()[4:])
    assert last_line(reader, "\n") == [one.key for one in films()[:4]]
    new = start_reader(ENVIRONMENTS[format_], made.folder, format_, reader="open")
    assert last_line(new, "\n") == [one.key for one in films()]
