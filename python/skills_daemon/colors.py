"""Terminal colours, off where standard output is no terminal.

Colour codes are written if standard output is a terminal and `NO_COLOR` is not set. The daemon has
no terminal but its client may have one: the daemon calls `force_colors`, and the client removes the
codes when its own output is no terminal.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_RESET: Final = "\033[0m"
# Bright variants (91 to 97) are readable on dark and on light backgrounds.
_CODES: Final = {
    "red": "\033[91m",
    "green": "\033[92m",
    "yellow": "\033[93m",
    "blue": "\033[94m",
    "magenta": "\033[95m",
    "cyan": "\033[96m",
    "white": "\033[97m",
    "dim": "\033[2m",
    "bold": "\033[1m",
    "reset": _RESET,
}
_TUPLE_ORDER: Final = ("red", "green", "yellow", "cyan", "dim", "bold", "reset")

_forced = False


def force_colors(enabled: bool = True) -> None:
    """Switches colour codes on for any standard output; `False` makes it decide again."""
    global _forced
    _forced = enabled


def colored(text: str, color: str) -> str:
    """Returns the text in a colour or style, or unchanged if colours are off.

    Args:
        text: Text to colour.
        color: `red`, `green`, `yellow`, `blue`, `magenta`, `cyan`, `white`, `dim` or `bold`. Any
            other name leaves the text as it is.
    """
    code = _CODES.get(color)
    if code is None or not _enabled():
        return text
    return f"{code}{text}{_RESET}"


def red(text: str) -> str:
    """Returns the text in red, the colour of errors."""
    return colored(text, "red")


def green(text: str) -> str:
    """Returns the text in green, the colour of success."""
    return colored(text, "green")


def yellow(text: str) -> str:
    """Returns the text in yellow, the colour of warnings."""
    return colored(text, "yellow")


def cyan(text: str) -> str:
    """Returns the text in cyan, the colour of names and keys."""
    return colored(text, "cyan")


def dim(text: str) -> str:
    """Returns the text dimmed, for what matters less."""
    return colored(text, "dim")


def bold(text: str) -> str:
    """Returns the text in bold."""
    return colored(text, "bold")


def get_color_tuple() -> tuple[str, str, str, str, str, str, str]:
    """Returns the codes RED, GREEN, YELLOW, CYAN, DIM, BOLD, RESET; empty if colours are off."""
    if not _enabled():
        return ("", "", "", "", "", "", "")
    red_, green_, yellow_, cyan_, dim_, bold_, reset = (_CODES[name] for name in _TUPLE_ORDER)
    return (red_, green_, yellow_, cyan_, dim_, bold_, reset)


def _enabled() -> bool:
    return _forced or (not os.environ.get("NO_COLOR") and _is_tty())


def _is_tty() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):
        # A process may have no standard output, or have closed it.
        return False
