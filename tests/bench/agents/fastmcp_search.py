#!/usr/bin/env python3
"""FastMCP's search beside the daemon's: the same commands, the same questions.

    python3 -m venv VENV && VENV/bin/pip install fastmcp
    npm install --prefix NODE gpt-tokenizer
    NODE_PATH=NODE/node_modules VENV/bin/python tests/bench/agents/fastmcp_search.py [--misses]

Serves the 1,000 commands of ``corpus.json`` as tools of one server and calls its search tool, by
words and by regular expression, with each question of ``questions.json``: how many find one of
their commands, and the size of ``tools/list`` with and without the search. The regular expression
is any of the question's longer words, which an agent may do better. Sizes in tokens
(encoding o200k) need Node.js and ``gpt-tokenizer``; without them they are left out.
``cargo bench --no-default-features --bench agents`` does the same with the daemon's search.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastmcp import Client, FastMCP
from fastmcp.server.transforms.search import BM25SearchTransform, RegexSearchTransform
from fastmcp.tools import Tool, ToolResult

HERE = Path(__file__).resolve().parent

#: Prints the number of tokens of its standard input.
TOKENS = """
const { encode } = require("gpt-tokenizer/encoding/o200k_base");
console.log(encode(require("fs").readFileSync(0, "utf8")).length);
"""

#: How many results a search returns.
LIMIT = 10


class Described(Tool):
    """A tool that does nothing."""

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Return its arguments."""
        return ToolResult(structured_content=arguments)


def tools() -> list[Tool]:
    """Return the commands of the corpus as tools."""
    described = []
    for plugin in json.loads((HERE / "corpus.json").read_text()):
        for command in plugin["commands"]:
            parameters = command["parameters"]
            properties = {
                each["name"]: {"type": each["type"], "description": each["description"]}
                for each in parameters
            }
            schema = {
                "type": "object",
                "properties": properties,
                "required": [each["name"] for each in parameters if each["required"]],
            }
            texts = [text for text in (command["summary"], command["description"]) if text]
            described.append(
                Described(
                    name=f"{plugin['plugin']}_{command['name']}",
                    description="\n\n".join(texts),
                    parameters=schema,
                )
            )
    return described


def server(*transforms: Any) -> FastMCP:
    """Return a server with all tools."""
    served = FastMCP("bench")
    for tool in tools():
        served.add_tool(tool)
    for transform in transforms:
        served.add_transform(transform)
    return served


def tokens(text: str) -> str:
    """Return the number of tokens of a text, or a dash."""
    try:
        counted = subprocess.run(
            ["node", "-e", TOKENS], input=text, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "-"
    return f"{int(counted.stdout):,}"


def row(*cells: object) -> None:
    """Print a row of a table."""
    print("|", " | ".join(str(cell) for cell in cells), "|")


async def size(label: str, served: FastMCP) -> None:
    """Print the size of the answer of ``tools/list``."""
    async with Client(served) as client:
        listed = await client.list_tools()
    described = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
    text = json.dumps({"tools": described}, separators=(",", ":"), ensure_ascii=False)
    row(label, len(listed), f"{len(text.encode()):,}", tokens(text))


def expression(question: str) -> str:
    """Return a regular expression for any of the longer words of a question."""
    return "|".join(word for word in re.findall(r"\w+", question) if len(word) > 3)


async def recall(label: str, served: FastMCP, wording: str, *, by_regex: bool = False) -> None:
    """Print how many questions, in one wording, find one of their commands."""
    counts = {1: 0, 5: 0, LIMIT: 0}
    times = []
    asked = [
        (question[wording], {f"{each['plugin']}_{each['command']}" for each in question["answers"]})
        for question in json.loads((HERE / "questions.json").read_text())
        if wording in question
    ]
    misses = []
    async with Client(served) as client:
        for text, answers in asked:
            query = {"pattern": expression(text)} if by_regex else {"query": text}
            begin = time.perf_counter()
            result = await client.call_tool("search_tools", query)
            times.append(time.perf_counter() - begin)
            found = [tool["name"] for tool in json.loads(result.content[0].text)]
            for limit in counts:
                counts[limit] += not answers.isdisjoint(found[:limit])
            if answers.isdisjoint(found[:5]):
                misses.append(f"    {text}: {' '.join(found[:5])}")
    milliseconds = sorted(times)[len(times) // 2] * 1e3
    row(label, len(asked), *counts.values(), f"{milliseconds:.1f}")
    if "--misses" in sys.argv:
        print("\n".join(misses))


async def main() -> None:
    """Print all tables."""
    print(f"FastMCP {version('fastmcp')}\n")
    row("tools/list", "tools", "bytes", "tokens")
    row(*["---"] * 4)
    words = server(BM25SearchTransform(max_results=LIMIT))
    await size("all tools", server())
    await size("with the search transform", words)
    print()
    row("questions", "number", "first", "in the first 5", f"in the first {LIMIT}", "ms per call")
    row(*["---"] * 6)
    regex = server(RegexSearchTransform(max_results=LIMIT))
    for label, wording in [("as an agent asks", "question"), ("in everyday words", "plain")]:
        await recall(f"BM25, {label}", words, wording)
        await recall(f"regex, {label}", regex, wording, by_regex=True)


asyncio.run(main())
