"""Functions that are the same as commands of a plugin and, with typer around them, as a script."""

import asyncio
import enum
import logging
import os
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
import rich
from rich.table import Table

from skills_daemon import ask, caller, confirm, progress, run
from skills_daemon.commands import CommandError


class Tone(str, enum.Enum):
    """A tone."""

    warm = "warm"
    cool = "cool"


def hello(name: str = "World") -> str:
    return f"Hello, {name}!"


def shout(text: str) -> str:
    return text.upper()


def add(left: int, right: int) -> str:
    return str(left + right)


def ratio(of: float, by: float = 3) -> str:
    return f"{of / by:.3f}"


def flags(dry: bool = False, color: bool = True) -> str:
    return f"{dry} {color}"


def tone(of: Tone = Tone.warm) -> str:
    return of.value


def names(name: list[str]) -> str:
    return ",".join(name)


def maybe(size: int | None = None) -> str:
    return "none" if size is None else str(size)


def when(at: datetime) -> str:
    return at.isoformat()


def which(one: uuid.UUID) -> str:
    return str(one)


def read(file: Path) -> str:
    return file.read_text().strip()


def place(file: Path) -> str:
    return str(file)


def where() -> str:
    return str(caller().directory)


def variable() -> str:
    return caller().env.get("ALIKE_VALUE", "unset")


def terminals() -> str:
    return f"{sys.stdout.isatty()} {sys.stderr.isatty()} {caller().terminals.stdout}"


def prints() -> None:
    print("one", "two", sep="-", end="|")
    print("three", flush=True)


def nothing() -> None:
    pass


def both() -> None:
    print("out 1")
    print("err 1", file=sys.stderr)
    print("out 2")


def unended() -> None:
    sys.stdout.write("no line end")


def raw() -> None:
    sys.stdout.buffer.write(bytes(range(256)))
    sys.stdout.buffer.flush()


def unicode() -> None:
    print("Grüße 漢字 🎉 \u0301 \u200b end")


def echoes() -> None:
    click.echo("from click")
    click.echo("to stderr", err=True)
    click.echo(b"bytes\xff")


def table() -> None:
    grid = Table("Name", "Size")
    grid.add_row("one", "1")
    rich.print(grid)


def threads() -> None:
    def work(number: int) -> None:
        print(f"thread {number}")

    for number in range(3):
        thread = threading.Thread(target=work, args=[number])
        thread.start()
        thread.join()


pool = ThreadPoolExecutor(2)


def pooled() -> None:
    pool.submit(print, "from a pool").result()
    print(*pool.map(lambda _: caller().env.get("ALIKE_VALUE"), range(2)))


def later() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        print("later")

    asyncio.run(work())


def child() -> None:
    run(["sh", "-c", "echo from a child; echo its stderr >&2"])


def bars() -> None:
    for name in progress(["a", "b"], "Reading"):
        print(name)


def leave(status: int = 0) -> None:
    print("leaving")
    sys.exit(status)


def leave_with_text() -> None:
    sys.exit("cannot go on")


def exit_large() -> None:
    sys.exit(300)


def quick_exit() -> None:
    raise SystemExit


def count(to: int = 3) -> Iterator[str]:
    for number in range(1, to + 1):
        yield f"item {number}"


def pours() -> None:
    while True:
        print("x" * 1000)


def big() -> None:
    for number in range(20_000):
        print(f"line {number} " + "y" * 80)


def number(text: TextIO) -> Iterator[str]:
    for at, line in enumerate(text, 1):
        yield f"{at} {line.rstrip()}"


def size(text: TextIO) -> str:
    return str(len(text.read()))


def ignores(text: TextIO) -> str:
    return "not read"


def slow(text: TextIO) -> Iterator[str]:
    for line in text:
        time.sleep(0.01)
        yield line.strip().upper()


def refuses() -> None:
    raise CommandError("not today", exit_status=7)


def asks() -> str:
    return ask("Name", "Ada") + str(confirm("Sure?", False))


def fails() -> None:
    raise LookupError("lost it")


def colored() -> None:
    print("\x1b[31mred\x1b[0m")


def logs() -> None:
    logging.getLogger("alike").warning("careful")


def warns() -> None:
    warnings.warn("old", stacklevel=1)


def surrogates() -> None:
    print("a\udcffb")


def reads() -> str:
    return input()


def changes_environment() -> str:
    return os.environ.get("ALIKE_VALUE", "unset")


def result_of_data() -> dict:
    return {"name": "one", "tags": ["a", "b"]}
