"""A command: a function, its parameters, and the binding of requests to them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from skills_host.functions import media
from skills_host.functions.discover import Found
from skills_host.functions.response import BINARY, Response, SentFile
from skills_host.functions.signature import Parameter, Signature
from skills_host.functions.stdin import passed
from skills_host.functions.stream import Items
from skills_host.functions.value import Invalid, Problem, to_json


class Refused(Exception):
    """A request has invalid parameters; `problems` lists all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("invalid parameters")
        self.problems = problems


class Command:
    """A command of a plugin.

    Args:
        found: The function.

    Attributes:
        name: Its name.
        path: Its path below the plugin's prefix.
        method: `GET`, or `POST`.
        in_query: True if parameters are in the query; otherwise they are a JSON object, the body.
        signature: Parameters and result of the function.
        is_async: True for a coroutine function.
        is_stream: True for a generator function, asynchronous or not.
        sends_file: True if a path that it returns is the file itself.
        agents: False if it is no tool for agents.
        offer: What it is for agents if it is no command.
        why: Why it is not called directly; `None` if it is.
        call: Calls the function; a generator becomes an answer of its items.

    Raises:
        Unusable: The function cannot be a command.
    """

    def __init__(self, found: Found) -> None:
        self.name = found.name
        self.offer = found.offer
        self.path = f"/{_folder(found)}{found.name}"
        self.method = found.method
        self.in_query = found.method == "GET"
        self.signature = Signature(found.function, found.summary)
        self.sends_file = found.sends_file
        self.agents = found.agents
        self.is_async = inspect.iscoroutinefunction(found.function)
        self.why: str | None = None
        if not self.is_async and inspect.iscoroutinefunction(inspect.unwrap(found.function)):
            # Whether a decorator's wrapper returns a coroutine or runs it shows only in a call.
            self.why = "it wraps a coroutine function"
        self.call: Callable[..., Any] = found.function
        if self.signature.positional:
            self.call = _by_position(found.function, self.signature.positional)
        if stdin := self.signature.stdin:
            # The body of a request is what the function reads.
            self.method, self.in_query = "POST", True
            self.call = passed(self.call, stdin.name, stdin.make)
        self.is_stream = inspect.isasyncgenfunction(found.function)
        self.is_stream = self.is_stream or inspect.isgeneratorfunction(found.function)
        if self.is_stream:
            self.call = _streamed(self.call)

    def encode(self, result: Any) -> bytes | Response:
        """Returns a result as JSON, or as a response: bytes as they are, a path as its file."""
        if isinstance(result, (bytes, bytearray, memoryview)):
            return Response(200, bytes(result), kind=BINARY)
        if self.sends_file and isinstance(result, PurePath):
            return SentFile(result)
        if (content := media.encoded(result)) is not None:
            return content
        return to_json(result)

    async def run(self, arguments: dict[str, Any]) -> Any:
        """Calls the function, on another thread if it may block."""
        if self.is_async:
            return await self.call(**arguments)
        result = await asyncio.to_thread(self.call, **arguments)
        return await result if inspect.isawaitable(result) else result

    def from_query(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """Returns the arguments in a query.

        Raises:
            Refused: A parameter is missing or invalid.
        """
        given = {
            parameter.name: values if parameter.type.is_list else values[-1]
            for parameter in self.signature.parameters
            if (values := query.get(parameter.name))
        }
        return self._bound("query", given, lambda parameter, value: parameter.type.from_text(value))

    def from_body(self, body: Any) -> dict[str, Any]:
        """Returns the arguments in a JSON body.

        Raises:
            Refused: The body is no object, or a parameter is missing or invalid.
        """
        if not isinstance(body, dict):
            problem = {
                "type": "dict_type",
                "loc": ["body"],
                "msg": "Input should be a valid dictionary",
                "input": body,
            }
            raise Refused([problem])
        return self._bound("body", body, lambda parameter, value: parameter.type.from_json(value))

    def _bound(
        self, place: str, given: dict[str, Any], convert: Callable[[Parameter, Any], Any]
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        problems: list[Problem] = []
        for parameter in self.signature.parameters:
            name = parameter.name
            if name not in given:
                if parameter.required:
                    problem = {"type": "missing", "loc": [place, name], "msg": "Field required"}
                    problems.append({**problem, "input": None})
                continue
            try:
                arguments[name] = convert(parameter, given[name])
            except Invalid as error:
                for problem in error.problems:
                    problems.append({**problem, "loc": [place, name, *problem["loc"]]})
        if problems:
            raise Refused(problems)
        return arguments


def _folder(found: Found) -> str:
    """Returns where a command lies below the plugin; no command's name begins like this."""
    if found.offer is None:
        return ""
    return "-prompts/" if found.offer.uri is None else "-resources/"


def _by_position(function: Callable[..., Any], defaults: dict[str, Any]) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        names = list(defaults)
        while names and names[-1] not in arguments:
            names.pop()
        # A parameter left out before given ones takes its default.
        first = [arguments.pop(name, defaults[name]) for name in names]
        return function(*first, **arguments)

    return call


def _streamed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **arguments: Items(function(**arguments))
