"""The functions of `commands.py` as a plain script: typer reads the arguments, results are printed.

Usage: `script.py COMMAND …`, with the directory of the SDK in `PYTHONPATH`.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import commands
import typer

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


def scripted(function: Callable[..., Any]) -> Callable[..., None]:
    """Returns the function as typer takes it: stdin is passed, a result is printed."""
    signature = inspect.signature(function)
    stdin = [each.name for each in signature.parameters.values() if each.annotation is TextIO]

    @functools.wraps(function)
    def call(**arguments: Any) -> None:
        result = function(**arguments, **dict.fromkeys(stdin, sys.stdin))
        if isinstance(result, Iterator):
            for item in result:
                print(item, flush=True)
        elif result is not None:
            print(result)

    others = [each for each in signature.parameters.values() if each.name not in stdin]
    call.__signature__ = signature.replace(parameters=others, return_annotation=None)
    call.__annotations__ = {each.name: each.annotation for each in others}
    return call


for name, function in vars(commands).items():
    if inspect.isfunction(function) and function.__module__ == "commands":
        app.command(name.replace("_", "-"))(scripted(function))


if __name__ == "__main__":
    app()
