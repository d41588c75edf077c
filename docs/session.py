"""Records a session at a terminal and draws it as `docs/session.svg`.

`python docs/session.py HOME` runs bash in a pseudo-terminal with that HOME, in which the plugin
`shop` of README's "Writing commands" is installed, and the programs on PATH. Needs `pyte` and
`rich`.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS, ROWS = 88, 27
#: What is typed, each once the screen shows the text before it; `None` keeps a picture.
TYPED: list[tuple[str, str | None]] = [
    ("$ ", "shop order\r"),
    ("Size", None),
    ("Size", "\x1b[B\r"),
    ("Order a large pot?", "y"),
    ("$ ", "shop log-in\r"),
    ("Password", "secret\r"),
    ("$ ", "shop list-pots\r"),
    ("$ ", "shop wait\r"),
    ("Waiting", "\x03"),
    ("$ ", "echo exit status $?\r"),
    ("$ ", "shop load --files 2\r"),
    ("prices.csv", None),
]
NAMES = {"brown": "yellow", "brightblack": "bright_black"}


def main(home: str) -> None:
    """Records and draws; prints the screen as text each time that a picture is kept."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        env = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "PS1": "$ "}
        env |= {"LANG": "C.UTF-8", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        env["SKILLS_DAEMON_PORT"] = os.environ.get("SKILLS_DAEMON_PORT", "0")
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile"], env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    left, seen = list(TYPED), b""
    end = time.monotonic() + 60
    while left and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.05)[0]:
            if left[0][0].encode() in seen:
                keys = left.pop(0)[1]
                if keys is None:
                    print("\n".join(line.rstrip() for line in screen.display).strip(), end="\n\n")
                    continue
                seen = b""
                os.write(terminal, keys.encode())
            continue
        data = os.read(terminal, 65536)
        seen += data
        stream.feed(data)
    if left:
        sys.exit(f"did not appear: {left[0][0]!r}\n" + "\n".join(screen.display))
    os.close(terminal)
    Path(__file__).with_name("session.svg").write_text(drawn(screen))


def _color(name: str) -> str | None:
    """Returns rich's name of one of pyte's colours, which are names or six hexadecimal digits."""
    if name == "default":
        return None
    is_hexadecimal = len(name) == 6 and all(digit in "0123456789abcdef" for digit in name)
    return f"#{name}" if is_hexadecimal else NAMES.get(name, name)


def drawn(screen: pyte.Screen) -> str:
    """Returns the screen as SVG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), legacy_windows=False)
    rows = [screen.buffer[row] for row in range(ROWS)]
    while rows and not any(cell.data.strip() for cell in rows[-1].values()):
        rows.pop()
    for row in rows:
        line = Text(no_wrap=True)
        for cell in (row[column] for column in range(COLUMNS)):
            color = _color(cell.fg)
            line.append(cell.data, Style(color=color, bold=cell.bold))
        console.print(line)
    return console.export_svg(title="bash", theme=MONOKAI)


if __name__ == "__main__":
    main(sys.argv[1])
