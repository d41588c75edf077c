"""Numbers as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; every column but the first is for numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count(number: float) -> str:
    """A number of things: `12,345`."""
    return f"{number:,.0f}"


def ratio(number: float) -> str:
    """A ratio with two significant digits or more: `0.083`, `1.2`, `13`."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def time(microseconds: float) -> str:
    """A duration: `85 µs`, `1.2 ms`, `2.1 s`."""
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.3g} ms"
    return f"{microseconds / 1e6:.3g} s"


def megabytes(size: int) -> str:
    """A size in bytes: `61.8 MB`, in millions of bytes."""
    return f"{size / 1e6:.1f} MB"
