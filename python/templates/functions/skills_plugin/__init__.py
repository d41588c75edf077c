"""Purpose of plugin-name in one line: the plugin's description."""

from __future__ import annotations

from collections import Counter

__version__ = "0.1.0"


def get_greeting(name: str, *, loud: bool = False) -> str:
    """Greet somebody.

    A function whose name begins with a word like `get` or `list` has no side effects: GET.

    Args:
        name: Who is greeted.
        loud: In capitals.

    Examples:
        plugin-name get-greeting Ada --loud
    """
    text = f"Hello, {name}!"
    return text.upper() if loud else text


def tally(words: list[str], least: int = 1) -> dict[str, int]:
    """Count words.

    Args:
        words: What is counted.
        least: Leave out words that are rarer.

    Examples:
        plugin-name tally --words a --words b --words a --least 2
    """
    return {word: count for word, count in Counter(words).items() if count >= least}
