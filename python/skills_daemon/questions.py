"""Questions to the person who called.

They are asked at the caller's terminal, on its stderr, while a command runs there, and by an agent
that can ask the person who uses it. Elsewhere (in a pipe, over HTTP) a question takes its default;
without a default the command fails, with a line that names the option to give instead.

The functions block their thread until there is an answer. In `async def` functions they are called
on another one: `await asyncio.to_thread(confirm, "Delete it?")`.
"""

from __future__ import annotations

import getpass
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Form:
    """Several values that are asked for at once.

    Attributes:
        prompt: What they are for.
        schema: JSON Schema of an object whose properties are texts, numbers, truth values and
            choices.
        key: A name for programs that answer: `address`.
    """

    prompt: str
    schema: Mapping[str, Any]
    key: str | None = None


@dataclass(frozen=True)
class Sample:
    """A text that the language model of the agent writes that calls.

    Attributes:
        prompt: What the model is asked.
        max_tokens: How long the text may be.
        system: What the model is asked to be.
        key: A name for programs that answer: `summary`.
    """

    prompt: str
    max_tokens: int = 1000
    system: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Roots:
    """The folders in which the caller works.

    Attributes:
        key: A name for programs that answer.
    """

    key: str | None = None


def form(prompt: str, schema: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """Asks for several values at once.

    Args:
        prompt: What they are for.
        schema: JSON Schema of an object whose properties are texts, numbers, truth values and
            choices.
        key: A name for programs that answer: `address`.

    Raises:
        CommandError: No one can be asked, or there is no answer.
        KeyboardInterrupt: The caller has gone.
    """
    answer: dict[str, Any] = _required(Form(prompt, schema, key))
    return answer


def sample(
    prompt: str, *, max_tokens: int = 1000, system: str | None = None, key: str | None = None
) -> str:
    """Has the language model of the agent that calls write a text.

    Args:
        prompt: What the model is asked.
        max_tokens: How long the text may be.
        system: What the model is asked to be.
        key: A name for programs that answer: `summary`.

    Raises:
        CommandError: The caller has no language model, or gave no answer.
        KeyboardInterrupt: The caller has gone.
    """
    answer: str = _required(Sample(prompt, max_tokens, system, key))
    return answer


def roots(*, key: str | None = None) -> list[str]:
    """Returns the URIs of the folders in which the caller works.

    Args:
        key: A name for programs that answer.

    Raises:
        CommandError: The caller does not say.
        KeyboardInterrupt: The caller has gone.
    """
    answer: list[str] = _required(Roots(key))
    return answer


def together(*questions: Form | Sample | Roots) -> list[Any]:
    """Asks several questions at once.

    Args:
        questions: The questions.

    Returns:
        The answer to each, as `form`, `sample` and `roots` return it; None for one without an
        answer.

    Raises:
        KeyboardInterrupt: The caller has gone.
    """
    may_block("together")
    call = current.get()
    if call is None or not call.console.answers:
        return [None for _ in questions]
    last = len(questions) - 1
    texts = [_question(each, more=at < last) for at, each in enumerate(questions)]
    answers = call.console.ask(texts)
    if call.cancelled:
        raise KeyboardInterrupt("the call was cancelled")
    return [
        None if text is None else _read(each, text)
        for each, text in zip(questions, answers, strict=True)
    ]


def _required(question: Form | Sample | Roots) -> Any:
    (answer,) = together(question)
    if answer is not None:
        return answer
    if isinstance(question, Sample):
        raise CommandError("the caller has no language model that answers")
    if isinstance(question, Roots):
        raise CommandError("the caller does not say in which folders it works")
    raise CommandError(f"{_plain(question.prompt)}: no answer was given")


def _question(question: Form | Sample | Roots, *, more: bool) -> str:
    prompt = ""
    asks: Any = "roots"
    if isinstance(question, Form):
        prompt, asks = question.prompt, {"form": question.schema}
    elif isinstance(question, Sample):
        content = {"type": "text", "text": question.prompt}
        parameters: dict[str, Any] = {
            "messages": [{"role": "user", "content": content}],
            "maxTokens": question.max_tokens,
        }
        if question.system is not None:
            parameters["systemPrompt"] = question.system
        prompt, asks = question.prompt, {"sample": parameters}
    described = {"number": next(_numbers), "prompt": prompt, "asks": asks, "more": more}
    if question.key is not None:
        described["key"] = question.key
    return json.dumps(described)


def _read(question: Form | Sample | Roots, text: str) -> Any:
    answer = json.loads(text)
    if isinstance(question, Sample):
        content = answer["content"]
        blocks = content if isinstance(content, list) else [content]
        return "".join(each.get("text", "") for each in blocks)
    return [root["uri"] for root in answer] if isinstance(question, Roots) else answer


def _answer(name: str, prompt: str, asks: Any, default: str | None, option: str | None) -> str:
    may_block(name)
    call = current.get()
    if call is not None and call.console.answers:
        answer = _of_caller(call, prompt, asks, default, option)
    elif call is None and "_skills_host" not in sys.modules and _has_terminal():
        answer = _of_process(prompt, asks, default)
    elif default is not None:
        return default
    else:
        hint = f"Give {option}." if option else "Run the command at a terminal."
        raise CommandError(f"{_plain(prompt)}: there is no terminal to ask at", hint=hint)
    if answer is None:
        remedy = f"Give {option}." if option else None
        raise CommandError(f"{_plain(prompt)}: no answer was given", hint=remedy)
    return answer


def _plain(prompt: str) -> str:
    return prompt.rstrip(" ?:")


def _of_caller(
    call: Call, prompt: str, asks: Any, default: str | None, option: str | None
) -> str | None:
    question: dict[str, Any] = {
        "number": next(_numbers),
        "prompt": prompt,
        "asks": asks,
        "default": default,
    }
    if option:
        question["key"] = option.lstrip("-")
    (answer,) = call.console.ask([json.dumps(question)])
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
