"""Parser for the header Retry-After (RFC 9110, section 10.2.3): a number of seconds, or a date."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(value: str, now: datetime | None = None) -> float:
    """Return the seconds to wait, 0 or more; 0 for an invalid value."""
    text = value.strip()
    try:
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            return float(text)
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - (now or datetime.now(UTC))).total_seconds(), 0.0)
