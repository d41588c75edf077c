"""Output that plugins and their users rely on, recorded call by call, is reproduced to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from skills_daemon.colors import colored, get_color_tuple
from skills_daemon.formatters import format_response, get_formatter

RECORDED = Path(__file__).parent / "data" / "formatters.jsonl"
CALLS = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
FUNCTIONS = {
    "format_response(data, fmt)": lambda c: format_response(c["data"], c["fmt"]),
    "get_formatter(fmt).format(data)": lambda c: get_formatter(c["fmt"]).format(c["data"]),
    "get_formatter(fmt).format_error(error, hint)": lambda c: get_formatter(c["fmt"]).format_error(
        c["error"], c["hint"]
    ),
    "get_formatter(fmt).format_success(message, data)": lambda c: get_formatter(
        c["fmt"]
    ).format_success(c["message"], c["data"]),
    "colored(text, color)": lambda c: colored(c["text"], c["color"]),
    # The record is JSON, which has no tuples.
    "get_color_tuple()": lambda c: list(get_color_tuple()),
}


def _id(call: dict[str, Any]) -> str:
    parts = (call["call"].split("(")[0], call.get("fmt"), call.get("case"), call.get("color"))
    return "-".join([*filter(None, parts), "colors" if call["colors"] else "plain"])


def test_all_calls_are_there():
    assert len(CALLS) == 670
    assert {call["call"] for call in CALLS} == set(FUNCTIONS)


@pytest.mark.parametrize("call", CALLS, ids=_id)
def test_recorded_call(call, no_terminal, force_colors):
    force_colors(call["colors"])
    function = FUNCTIONS[call["call"]]
    if "raises" in call:
        with pytest.raises(Exception) as raised:
            function(call)
        assert raised.type.__name__ == call["raises"]
    else:
        assert function(call) == call["out"]
