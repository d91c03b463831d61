"""The order in which the inputs of a pass are decided about."""

import json
from base64 import b64encode
from math import inf
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelmill_stages.runtime.decide.order import SignatureOrder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_inputs_are_sorted_by_rank_key_and_position_for_any_reading_order_and_memory(
    tmp_path: Path, data: st.DataObject
) -> None:
    inputs = data.draw(st.lists(st.tuples(st.sampled_from([0.0, 1, inf]), st.sampled_from("ab")), max_size=12))
    size = data.draw(st.integers(1, 5))
    shards = [list(enumerate(inputs))[first : first + size] for first in range(0, len(inputs), size)]
    in_memory = data.draw(st.sampled_from([0, 2000, 1 << 20]), label="bytes in memory")
    with SignatureOrder(in_memory=in_memory) as order:
        for shard in data.draw(st.permutations(range(len(shards)))):
            file = tmp_path / "signatures.jsonl"
            rows = [
                {
                    "rank": rank,
                    "key": key,
                    "row": row,
                    "first": 0,
                    "items": 1,
                    "data": b64encode(b"%d" % place).decode(),
                }
                for row, (place, (rank, key)) in enumerate(shards[shard])
            ]
            file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
            order.add(shard, file)
        found = [int(one.data) for one in order]
    assert found == sorted(range(len(inputs)), key=lambda place: (*inputs[place], place))
