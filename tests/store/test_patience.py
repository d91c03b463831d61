"""How long a call is tried: by the number of failures, and by the time without progress."""

import copy
import io
from typing import BinaryIO, cast

import pytest

from reelmill.contract.errors import StoreError, TransientError
from reelmill_stages.store.buckets.transfer import Sending, resumed
from reelmill_stages.store.retry import Attempts, Patience, Retries

BROKEN = TransientError("the connection broke", where="s3://bucket", hint="again")
SPENT = Patience(attempts=4, first=0, longest=0, seconds=-1)
"""Any time is too long."""
LONG = Patience(attempts=4, first=0, longest=0, seconds=1e9)


def test_a_call_that_fails_for_the_first_time_is_made_again_however_long_it_lasted() -> None:
    attempts = Attempts(SPENT)
    assert attempts.again(BROKEN)
    assert not attempts.again(BROKEN)


def test_failures_are_counted_and_what_is_no_passing_fault_is_not_tried_again() -> None:
    attempts = Attempts(LONG)
    assert [attempts.again(BROKEN) for _ in range(4)] == [True, True, True, False]
    assert not Attempts(LONG).again(StoreError("no permission", where="x", hint="y"))


def test_bytes_that_are_taken_for_sending_begin_the_time_of_a_call_anew() -> None:
    signs: list[int] = []

    class Noted(Attempts):
        def moved(self) -> None:
            signs.append(self.failed)

    attempts = Noted(LONG)
    assert attempts.again(BROKEN)
    file = Sending(cast("BinaryIO", io.BytesIO(b"body")), attempts)
    assert (file.read(2), file.tell(), file.read()) == (b"bo", 2, b"dy")
    assert signs == [1, 1]  # and failures are still counted
    assert copy.deepcopy(file) is file


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_what_breaks_off_is_continued_where_it_broke_off(pieces: int) -> None:
    body, asked = bytes(range(50)), []
    retries = Retries(LONG, lambda error, _: TransientError(str(error), where="x", hint="y"))

    def begin(done: int):  # type: ignore[no-untyped-def]
        asked.append(done)
        yield body[done : done + 50 // pieces]
        if len(asked) % 2:
            raise OSError("reset")

    assert b"".join(resumed(begin, len(body), "k", retries)) == body
    assert asked == sorted(set(asked))


def test_an_answer_that_is_always_empty_is_given_up() -> None:
    retries = Retries(LONG, lambda error, _: TransientError(str(error), where="x", hint="y"))
    with pytest.raises(TransientError, match="ended after 0 of 5 bytes"):
        list(resumed(lambda _: iter(()), 5, "k", retries))
