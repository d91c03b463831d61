"""Of writers at once one wins, whatever the store is made of, and readers see whole objects."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from reelmill.contract.errors import PreconditionFailed
from reelmill_stages.store import Store


def race(place_open: object, write: object, racers: int = 8) -> list[int]:
    """Which of the racers, each with a client of its own, won."""
    stores = [place_open() for _ in range(racers)]  # type: ignore[operator]
    start = Barrier(racers)

    def run(number: int) -> bool:
        start.wait()
        try:
            write(stores[number], number)  # type: ignore[operator]
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(racers) as pool:
        return [number for number, won in enumerate(pool.map(run, range(racers))) if won]


def test_of_many_creators_one_wins_with_bytes_and_metadata(place, store: Store) -> None:
    for turn in range(5):
        key = f"k{turn}"
        (winner,) = race(
            place.open, lambda s, n, key=key: s.write(key, f"body {n}".encode(), create=True, metadata={"who": str(n)})
        )
        assert store.read(key) == f"body {winner}".encode()
        assert store.stat(key).metadata == {"who": str(winner)}


def test_of_many_that_replace_one_version_one_wins_with_bytes_and_metadata(place, store: Store) -> None:
    etag = store.write("k", b"first").etag
    for _ in range(5):
        (winner,) = race(
            place.open,
            lambda s, n, etag=etag: s.write("k", f"{etag} {n}".encode(), if_match=etag, metadata={"who": str(n)}),
        )
        assert store.read("k") == f"{etag} {winner}".encode()
        assert store.stat("k").metadata == {"who": str(winner)}
        etag = store.stat("k").etag


def test_a_counter_under_if_match_loses_no_step(place, store: Store) -> None:
    store.write("n", b"0")

    def count(client: Store) -> None:
        steps = 0
        while steps < 5:
            stat = client.stat("n")
            try:
                value = int(client.read("n", if_match=stat.etag))
                client.write("n", str(value + 1).encode(), if_match=stat.etag)
            except PreconditionFailed:
                continue
            steps += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, [place.open() for _ in range(4)]))
    assert store.read("n") == b"20"


RACER = """
import json, sys
from reelmill.contract.errors import PreconditionFailed
from reelmill.contract.task import StoreRef
from reelmill_stages.store.open import open_store
ref, env, who = json.loads(sys.argv[1])
store = open_store(StoreRef.model_validate(ref), env=env)
print("ready", flush=True)
for line in sys.stdin:
    try:
        store.write(line.strip(), who.encode(), create=True, metadata={"who": who})
        print("won", flush=True)
    except PreconditionFailed:
        print("lost", flush=True)
"""


@pytest.mark.store
def test_of_many_processes_that_create_one_wins(place, store: Store) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, json.dumps([place.ref.model_dump(), place.env, str(who)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in range(3)
    ]
    try:
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for turn in range(10):
            for racer in racers:
                racer.stdin.write(f"k{turn}\n")
                racer.stdin.flush()
            said = [racer.stdout.readline().strip() for racer in racers]
            assert sorted(said) == ["lost", "lost", "won"]
            winner = str(said.index("won"))
            assert store.read(f"k{turn}") == winner.encode()
            assert store.stat(f"k{turn}").metadata == {"who": winner}
    finally:
        for racer in racers:
            racer.communicate()


def test_readers_see_the_old_object_or_the_new_one_while_it_is_replaced(place, store: Store) -> None:
    bodies = {bytes([65 + n]) * 300_000 for n in range(8)}
    store.write("k", min(bodies))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [place.open().write("k", body) for body in bodies])
        while not writing.done():
            assert store.read("k") in bodies
            assert store.stat("k").size == 300_000
        writing.result()
