"""The plugin, and the programs of FastMCP's servers."""

#: The plugin, and the functions of FastMCP's server.
FUNCTIONS = '''
"""Sums and products."""


def add(a: int, b: int) -> dict[str, int]:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return {"result": a + b}


async def multiply(a: int, b: int) -> dict[str, int]:
    """Multiply two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return {"result": a * b}
'''

#: FastMCP's server of these; its arguments are those of `run` as JSON.
SERVER = """
import json
import sys

from fastmcp import FastMCP

FastMCP("sums", tools=[add, multiply]).run(show_banner=False, **json.loads(sys.argv[1]))
"""

#: FastMCP's server of the functions of the plugins below a directory, `bm25` for its search.
CORPUS_SERVER = """
import json
import runpy
import sys
from inspect import isfunction
from pathlib import Path

from fastmcp import FastMCP
from fastmcp.server.transforms.search import BM25SearchTransform
from fastmcp.tools import Tool

served = FastMCP("corpus", transforms=[BM25SearchTransform()] if "bm25" in sys.argv else [])
for path in sorted(Path(sys.argv[2]).glob("**/skills_plugin/__init__.py")):
    for name, function in runpy.run_path(str(path)).items():
        if isfunction(function):
            served.add_tool(Tool.from_function(function, name=f"{path.parts[-4]}_{name}"))
served.run(show_banner=False, **json.loads(sys.argv[1]))
"""

SERVERS = {"sums": FUNCTIONS + SERVER, "corpus": CORPUS_SERVER}

#: The options with which FastMCP is fastest.
FASTEST = {"stateless_http": True, "json_response": True, "uvicorn_config": {"access_log": False}}
