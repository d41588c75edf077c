"""The tables, and how busy the machine was before each."""

from __future__ import annotations

import os
import time
from pathlib import Path


def row(*cells: object) -> None:
    """Print a row of a table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def headings(*cells: str) -> None:
    """Print the head of a table."""
    row(*cells)
    row(*["---"] * len(cells))


def head(*cells: str) -> None:
    """Print how busy the machine is, and the head of a table."""
    busy()
    print()
    headings(*cells)


def busy() -> None:
    """Print how busy the machine is while nothing is measured."""
    before = processors()
    time.sleep(1)
    total, idle = (now - then for now, then in zip(processors(), before, strict=True))
    load = os.getloadavg()[0]
    print(f"\nLoad {load:.1f}, processors {100 - 100 * idle / total:.0f} % busy before.")


def processors() -> tuple[int, int]:
    """Return the ticks of all processors since the start of the machine, and those without work."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def megabytes(size: float) -> str:
    """Return a size as a text."""
    return f"{size / 1e6:.1f}"
