"""What the 1,000 commands of ``corpus.json`` cost a session."""

from __future__ import annotations

import argparse
import json
import keyword
import statistics
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from messages import NEW, OLD, compact, message
from programs import FASTEST
from servers import Home, Server, daemon, fastmcp, served
from stdio import row_of_times, started
from table import head, row

#: The commands, which `fastmcp_search.py` serves as well.
CORPUS = Path(__file__).resolve().parent.parent / "corpus.json"

#: Prints the number of tokens of its standard input.
TOKENS = """
const { encode } = require("gpt-tokenizer/encoding/o200k_base");
console.log(encode(require("fs").readFileSync(0, "utf8")).length);
"""

TYPES = {
    "string": "str",
    "integer": "int",
    "boolean": "bool",
    "array": "List[str]",
    "number": "float",
}

#: What of a tool a client passes on to its model, as a rule.
SHOWN = ("name", "description", "inputSchema")


def tokens(text: str) -> str:
    """Return the number of tokens of a text, or a dash."""
    try:
        counted = subprocess.run(
            ["node", "-e", TOKENS], input=text, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "-"
    return f"{int(counted.stdout):,}"


def source(plugin: dict[str, Any]) -> str:
    """Return the commands of a plugin of the corpus as functions."""
    lines = [f'"""{plugin["description"]}."""', "", "from typing import List", ""]

    def named(name: str) -> str:
        return f"{name}_" if keyword.iskeyword(name) else name

    for command in plugin["commands"]:
        parameters = sorted(command["parameters"], key=lambda each: not each["required"])
        declared = [
            f"{named(each['name'])}: {TYPES[each['type']]}"
            + ("" if each["required"] else " | None = None")
            for each in parameters
        ]
        texts = [text for text in (command["summary"], command["description"]) if text]
        described = [f"    {named(each['name'])}: {each['description']}" for each in parameters]
        doc = "\n\n".join([*texts, *(["\n".join(["Args:", *described])] if described else [])])
        lines += [
            f"def {named(command['name'])}({', '.join(declared)}):",
            *(
                f"    {line}".rstrip()
                for line in ['"""' + doc, '"""']
                for line in line.splitlines()
            ),
            "    return locals()",
            "",
        ]
    return "\n".join(lines)


def measure(at: Home, arguments: argparse.Namespace) -> None:
    """Measure what a session begins with where there are 1,000 commands."""
    for plugin in json.loads(CORPUS.read_text()):
        at.plugin(plugin["plugin"], source(plugin), plugin["description"])
    folder = str(at.directory)
    client = [str(at.programs / "skills-client"), "mcp"]
    listed = message("tools/list", era=NEW)
    headers = {"mcp-protocol-version": NEW, "mcp-method": "tools/list"}
    with (
        daemon(at) as ours,
        served(at, "corpus", FASTEST, folder) as everything,
        served(at, "corpus", FASTEST, folder, "bm25") as searched,
    ):
        servers = {
            f"daemon, `{path}`": Server(ours.pid, ours.port, path)
            for path in ["/mcp", "/mcp?tools=all", "/mcp?tools=jira,git", "/mcp/jira"]
        } | {"FastMCP": everything, "FastMCP with its search": searched}
        times = defaultdict(list)
        columns = [
            "tools",
            "bytes",
            "of instructions",
            "tokens",
            "for the model",
            "HTTP, median ms",
        ]
        head("1,000 commands", *columns)
        for _ in range(arguments.starts):
            for label, server in servers.items():
                begin = time.perf_counter()
                server.post(listed, headers)
                times[label].append((time.perf_counter() - begin) * 1e3)
        for label, server in servers.items():
            instructions = server.session()[1]
            tools = json.loads(server.post(listed, headers)[1])["result"]["tools"]
            text = compact({"tools": tools})
            sizes = [f"{len(each.encode()):,}" for each in (text, instructions)]
            shown = [{key: tool.get(key) for key in SHOWN} for tool in tools]
            counted = [tokens(instructions + each) for each in (text, compact(shown))]
            row(label, len(tools), *sizes, *counted, f"{statistics.median(times[label]):.1f}")
        commands = {
            "skills-client mcp": client,
            "skills-client mcp --tools all": [*client, "--tools", "all"],
            "FastMCP": fastmcp(at, "corpus", {}, folder),
            "FastMCP with its search": fastmcp(at, "corpus", {}, folder, "bm25"),
        }
        times = defaultdict(list)
        head("1,000 commands, stdio: to tools/list", "median ms", "95 % below", "least")
        for _ in range(max(3, arguments.starts // 6)):
            for label, command in commands.items():
                times[label].append(started(at, command, OLD))
        for label, each in times.items():
            row_of_times(label, each)
