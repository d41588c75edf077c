"""Questions to the person who called.

They are asked at the caller's terminal, on its stderr, while a command runs there. Without a
terminal (in a pipe, for an agent, over HTTP) a question takes its default; without a default the
command fails, with a line that names the option to give instead.

The functions block their thread until there is an answer. In `async def` functions they are called
on another one: `await asyncio.to_thread(confirm, "Delete it?")`.
"""

from __future__ import annotations

import getpass
import itertools
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from skills_daemon._call import Call, current, may_block
from skills_daemon.commands import CommandError

_YES = "yes"
_numbers = itertools.count(1)


def ask(prompt: str, default: str | None = None, *, option: str | None = None) -> str:
    """Asks for a line of text.

    Args:
        prompt: What is asked for: `Name`.
        default: The answer that an empty line gives.
        option: The option that gives the answer beforehand: `--name`.

    Raises:
        CommandError: There is no terminal, and no default.
        KeyboardInterrupt: The caller has gone.
    """
    return _answer("ask", prompt, "text", default, option)


def secret(prompt: str, *, option: str | None = None) -> str:
    """Asks for a line of text that is not shown while it is typed.

    Args:
        prompt: What is asked for: `Password`.
        option: The option that gives the answer beforehand.

    Raises:
        CommandError: There is no terminal.
        KeyboardInterrupt: The caller has gone.
    """
    return _answer("secret", prompt, "secret", None, option)


def confirm(prompt: str, default: bool | None = None, *, option: str | None = None) -> bool:
    """Asks for a yes or no.

    Args:
        prompt: The question: `Delete 3 rows?`.
        default: The answer that an empty line gives.
        option: The option that gives the answer beforehand: `--yes`.

    Raises:
        CommandError: There is no terminal, and no default.
        KeyboardInterrupt: The caller has gone.
    """
    text = None if default is None else _YES if default else "no"
    return _answer("confirm", prompt, "confirmation", text, option) == _YES


def choose(
    prompt: str, choices: Sequence[str], default: str | None = None, *, option: str | None = None
) -> str:
    """Asks for one of several choices.

    Args:
        prompt: What is asked for: `Environment`.
        choices: The choices, at least one.
        default: The choice that is selected at first.
        option: The option that gives the answer beforehand: `--env`.

    Raises:
        ValueError: There are no choices, or the default is none of them.
        CommandError: There is no terminal, and no default.
        KeyboardInterrupt: The caller has gone.
    """
    if not choices or default not in (None, *choices):
        raise ValueError(f"the default {default!r} is none of the choices {list(choices)}")
    return _answer("choose", prompt, {"choice": list(choices)}, default, option)


def _answer(name: str, prompt: str, asks: Any, default: str | None, option: str | None) -> str:
    may_block(name)
    call = current.get()
    if call is not None and call.answers:
        answer = _of_caller(call, prompt, asks, default)
    elif call is None and "_skills_host" not in sys.modules and _has_terminal():
        answer = _of_process(prompt, asks, default)
    elif default is not None:
        return default
    else:
        hint = f"Give {option}." if option else "Run the command at a terminal."
        raise CommandError(f"{_plain(prompt)}: there is no terminal to ask at", hint=hint)
    if answer is None:
        raise CommandError(f"{_plain(prompt)}: no answer was given")
    return answer


def _plain(prompt: str) -> str:
    return prompt.rstrip(" ?:")


def _of_caller(call: Call, prompt: str, asks: Any, default: str | None) -> str | None:
    question = {"number": next(_numbers), "prompt": prompt, "asks": asks, "default": default}
    answer = call.ask(json.dumps(question))
    if answer is None and call.cancelled:
        raise KeyboardInterrupt("the call was cancelled")
    return answer


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _of_process(prompt: str, asks: Any, default: str | None) -> str | None:
    """Asks at the terminal of this process, which is not the daemon."""
    shown = prompt if default is None else f"{prompt} [{default}]"
    if isinstance(asks, dict):
        shown = f"{prompt} ({'/'.join(asks['choice'])})"
    elif asks == "confirmation":
        shown = f"{prompt} [y/n]"
    read: Callable[[str], str] = getpass.getpass if asks == "secret" else input
    while True:
        try:
            text = read(f"{shown}: ").strip() or default or ""
        except EOFError:
            return None
        if isinstance(asks, dict):
            if text in asks["choice"]:
                return text
        elif asks == "confirmation":
            if text.lower() in ("y", _YES):
                return _YES
            if text.lower() in ("n", "no"):
                return "no"
        else:
            return text
