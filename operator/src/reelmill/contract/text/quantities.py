"""Numbers for people: amounts, durations and sizes."""


def amount(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def time(seconds: float) -> str:
    """`42s`, `3m 20s`, `5h 07m`; below ten seconds with a digit after the point."""
    if seconds < 10:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{amount(whole // 3600)}h {whole % 3600 // 60:02d}m"


def size(count: float) -> str:
    """Bytes in decimal units: `1.4 GB`."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} PB"


def count_of(number: int, noun: str, plural: str = "") -> str:
    """`1 item`, `12,345 items`; `plural` is needed only if it is not the noun with an s: `2 passes`."""
    return f"{amount(number)} {noun if number == 1 else plural or f'{noun}s'}"
