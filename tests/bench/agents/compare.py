#!/usr/bin/env python3
"""FastMCP beside the daemon: the same functions as tools, served by both and measured in turn.

    python3 -m venv VENV && VENV/bin/pip install fastmcp uvloop httptools
    npm install --prefix NODE gpt-tokenizer
    NODE_PATH=NODE/node_modules VENV/bin/python tests/bench/agents/compare.py DIRECTORY [PART ...]

DIRECTORY has ``skills-daemon``, ``skills-client`` and ``skills-host`` of a release build. The parts
are ``stdio`` (from the start of a process to its list of tools), ``http`` (calls per second and
latency), ``memory`` (of the servers, and of each further session over stdio) and ``corpus`` (what
the 1,000 commands of ``corpus.json`` cost a session); without any, all of them run, in about ten
minutes. Each has a daemon in a HOME of its own and FastMCP's servers in the environment of this
program, which is why uvloop and httptools belong there.

Needs Linux, ``uv`` on the PATH, for ``http`` and ``memory`` also ``wrk``, and for tokens (encoding
o200k) Node.js with ``gpt-tokenizer``. What else runs on the machine shows in the numbers: above
each table is how busy the processors were before it.
"""

from __future__ import annotations

import argparse
import json
import keyword
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

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

#: Sends the requests of a file in turn; they are separated by zeros.
LOAD = r"""
local requests, turn = {}, 0
function init(arguments)
  for each in io.open(arguments[1], "rb"):read("*a"):gmatch("%Z+") do
    requests[#requests + 1] = each
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency, _)
  local errors = summary.errors
  print(string.format('{"rate": %f, "p50": %f, "p99": %f, "errors": %d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""

#: Prints the number of tokens of its standard input.
TOKENS = """
const { encode } = require("gpt-tokenizer/encoding/o200k_base");
console.log(encode(require("fs").readFileSync(0, "utf8")).length);
"""

OLD, NEW = "2025-11-25", "2026-07-28"
CLIENT = {"name": "compare", "version": "1"}
#: The options with which FastMCP is fastest.
FASTEST = {"stateless_http": True, "json_response": True, "uvicorn_config": {"access_log": False}}
TYPES = {
    "string": "str",
    "integer": "int",
    "boolean": "bool",
    "array": "List[str]",
    "number": "float",
}
CONNECTIONS = (1, 16)
#: What of a tool a client passes on to its model, as a rule.
SHOWN = ("name", "description", "inputSchema")
#: How many sessions calls over HTTP are of.
SESSIONS = 16
#: How many sessions over stdio are open where their memory is measured.
OPEN = 20


def message(method: str, *, era: str = OLD, number: int = 1, **parameters: Any) -> dict[str, Any]:
    """Return a request."""
    if era == NEW:
        prefix = "io.modelcontextprotocol"
        parameters["_meta"] = {
            f"{prefix}/protocolVersion": NEW,
            f"{prefix}/clientInfo": CLIENT,
            f"{prefix}/clientCapabilities": {},
        }
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


INITIALIZE = message(
    "initialize", number=0, protocolVersion=OLD, capabilities={}, clientInfo=CLIENT
)
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
#: What a client sends until it has the tools.
OPENINGS = {
    OLD: [INITIALIZE, INITIALIZED, message("tools/list")],
    NEW: [message("tools/list", era=NEW)],
}


def row(*cells: object) -> None:
    """Print a row of a table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def processors() -> tuple[int, int]:
    """Return the ticks of all processors since the start of the machine, and those without work."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def busy() -> None:
    """Print how busy the machine is while nothing is measured."""
    before = processors()
    time.sleep(1)
    total, idle = (now - then for now, then in zip(processors(), before, strict=True))
    load = os.getloadavg()[0]
    print(f"\nLoad {load:.1f}, processors {100 - 100 * idle / total:.0f} % busy before.")


def headings(*cells: str) -> None:
    """Print the head of a table."""
    row(*cells)
    row(*["---"] * len(cells))


def head(*cells: str) -> None:
    """Print how busy the machine is, and the head of a table."""
    busy()
    print()
    headings(*cells)


def compact(data: Any) -> str:
    """Return data as JSON without spaces."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def tokens(text: str) -> str:
    """Return the number of tokens of a text, or a dash."""
    try:
        counted = subprocess.run(
            ["node", "-e", TOKENS], input=text, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "-"
    return f"{int(counted.stdout):,}"


@dataclass
class Home:
    """A HOME with plugins."""

    directory: Path
    programs: Path
    env: dict[str, str]

    def plugin(self, name: str, source: str, about: str = "Sums and products") -> None:
        """Add a plugin."""
        below = f".claude/plugins/marketplaces/m/plugins/{name}/skills/{name}/scripts/skills_plugin"
        (self.directory / below).mkdir(parents=True)
        (self.directory / below / "__init__.py").write_text(source)
        manifest = json.dumps({"name": name, "description": about})
        (self.directory / below / "manifest.json").write_text(manifest)

    def control(self, *arguments: str) -> str:
        """Run ``skills-daemon`` and return what it prints."""
        command = [str(self.programs / "skills-daemon"), *arguments]
        return subprocess.run(
            command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True
        ).stdout


@dataclass
class Server:
    """A server of tools over HTTP."""

    pid: int
    port: int
    path: str = "/mcp"

    def post(
        self, body: Any, headers: dict[str, str] | None = None, path: str | None = None
    ) -> tuple[str | None, str]:
        """Send a message; return the session of the answer, and its text."""
        path = path or self.path
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, json.dumps(body), ACCEPTING | (headers or {}))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status >= 300:
            sys.exit(f"{path}: {answer.status} {text}")
        if "event-stream" in answer.getheader("content-type", ""):
            text = [line for line in text.splitlines() if line.startswith("data: {")][-1][6:]
        return answer.getheader("mcp-session-id"), text

    def session(self) -> tuple[dict[str, str], str]:
        """Begin a session; return the headers of its requests, and its instructions."""
        session, answer = self.post(INITIALIZE)
        headers = {"mcp-protocol-version": OLD}
        if session:
            headers["mcp-session-id"] = session
        self.post(INITIALIZED, headers)
        return headers, json.loads(answer)["result"].get("instructions") or ""

    def memory(self) -> int:
        """Return the proportional memory of its processes, in bytes."""
        return sum(map(memory, tree(self.pid)))


ACCEPTING = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
}


def tree(pid: int) -> list[int]:
    """Return a process and those that it started."""
    children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(each for child in " ".join(children).split() for each in tree(int(child)))]


def memory(pid: int) -> int:
    """Return the proportional memory of a process, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def home(programs: Path) -> Iterator[Home]:
    """Make a HOME; its path is short, as that of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="cmp-", ignore_cleanup_errors=True) as name:
        own = ("SKILLS_DAEMON_", "XDG_", "PYTHON", "FASTMCP_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        yield Home(Path(name), programs, kept | {"HOME": name, "SKILLS_DAEMON_PORT": "0"})


@contextmanager
def daemon(at: Home, path: str = "/mcp") -> Iterator[Server]:
    """Run the daemon, from when it has loaded the plugins and is at rest."""
    state = at.directory / ".local/share/skills-daemon/state"
    at.control("start")
    try:
        status: dict[str, Any] = {}
        while not status or any(each["state"] == "loading" for each in status["plugins"]):
            time.sleep(0.1)
            status = json.loads(at.control("status", "--json"))
        own = str(at.directory / ".claude")
        bad = [it for it in status["plugins"] if it["path"].startswith(own) and not it["commands"]]
        if bad:
            sys.exit(f"the daemon did not load {bad}")
        port = json.loads((state / "tcp.json").read_text())["address"].rpartition(":")[2]
        while len(tree(status["pid"])) > 1:
            time.sleep(0.1)
        yield Server(status["pid"], int(port), path)
    finally:
        at.control("stop")


def fastmcp(at: Home, name: str, options: dict[str, Any], *arguments: str) -> list[str]:
    """Return the command of a server of FastMCP."""
    file = at.directory / f"{name}.py"
    file.write_text(SERVERS[name])
    return [sys.executable, str(file), json.dumps(options), *arguments]


@contextmanager
def served(at: Home, name: str, options: dict[str, Any], *arguments: str) -> Iterator[Server]:
    """Run a server of FastMCP over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"transport": "http", "port": port, **options}
    process = subprocess.Popen(
        fastmcp(at, name, options, *arguments),
        env=at.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Server(process.pid, port)
    finally:
        process.kill()
        process.wait()


def listing(process: subprocess.Popen[str], era: str) -> dict[str, Any]:
    """Speak with a server over stdio until it has said which tools it has."""
    assert process.stdin and process.stdout
    for sent in OPENINGS[era]:
        process.stdin.write(json.dumps(sent) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = {}
        while "id" in sent and answer.get("id") != sent["id"]:
            answer = json.loads(process.stdout.readline())
    return answer["result"]


def begun(at: Home, command: list[str]) -> subprocess.Popen[str]:
    """Start a server over stdio."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=at.env, text=True, **pipes)


def started(at: Home, command: list[str], era: str) -> float:
    """Return the milliseconds from the start of a process to its list of tools."""
    begin = time.perf_counter()
    with begun(at, command) as process:
        tools = listing(process, era)["tools"]
        took = time.perf_counter() - begin
    assert tools
    return took * 1e3


def row_of_times(label: str, times: list[float]) -> None:
    """Print the middle of some times, and how long nearly all took at most."""
    ordered = sorted(times)
    last = ordered[-(-len(ordered) * 95 // 100) - 1]
    row(label, f"{statistics.median(ordered):.1f}", f"{last:.1f}", f"{ordered[0]:.1f}")


def stdio(at: Home, arguments: argparse.Namespace) -> None:
    """Measure how soon a process over stdio has listed its tools."""
    at.plugin("sums", FUNCTIONS)
    with daemon(at):
        ours = [str(at.programs / "skills-client"), "mcp", "sums"]
        theirs = fastmcp(at, "sums", {})
        cases = {
            f"{label}, {shown}": (command, era)
            for era, shown in [(OLD, "handshake"), (NEW, f"without one ({NEW})")]
            for label, command in [("skills-client mcp", ours), ("FastMCP", theirs)]
        }
        times = defaultdict(list)
        for command, era in cases.values():
            started(at, command, era)
        head("stdio: from start to tools/list", "median ms", "95 % below", "least")
        for _ in range(arguments.starts):
            for label, (command, era) in cases.items():
                times[label].append(started(at, command, era))
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", ""], env=at.env)
            times["Python, nothing imported, to its end"].append(
                (time.perf_counter() - begin) * 1e3
            )
    for label, each in times.items():
        row_of_times(label, each)


@dataclass
class Case:
    """A way to call a function over HTTP."""

    label: str
    server: Server
    function: str
    path: str
    #: One for each session.
    headers: list[dict[str, str]]
    is_tool: bool = True
    era: str = OLD
    #: For each number of connections, what each round measured.
    rounds: dict[int, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def body(self, number: int) -> dict[str, Any]:
        """Return the body of a request."""
        given = {"a": 6, "b": 7}
        if not self.is_tool:
            return given
        called = {"name": self.function, "arguments": given}
        return message("tools/call", era=self.era, number=number, **called)

    def requests(self) -> bytes:
        """Return requests, separated by zeros; those of a session differ in their number."""
        texts = []
        for number in range(1, 257):
            headers = ACCEPTING | self.headers[number % len(self.headers)]
            body = compact(self.body(number))
            lines = [f"POST {self.path} HTTP/1.1", f"host: 127.0.0.1:{self.server.port}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            texts.append("\r\n".join([*lines, f"content-length: {len(body)}", "", body]))
        return "\0".join(texts).encode()

    def check(self) -> None:
        """Call it once, and look at the result."""
        result = json.loads(self.server.post(self.body(1), self.headers[0], self.path)[1])
        if self.is_tool:
            result = result["result"]["structuredContent"]
        if result != {"result": 13 if self.function == "add" else 42}:
            sys.exit(f"{self.label}: {result}")

    def measure(self, at: Home, connections: int, seconds: float) -> dict[str, float]:
        """Call it for some seconds."""
        (at.directory / "load.lua").write_text(LOAD)
        (at.directory / "requests").write_bytes(self.requests())
        url = f"http://127.0.0.1:{self.server.port}"
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", "load.lua"]
        used = cpu(self.server.pid)
        output = subprocess.run(
            ["wrk", *options, url, "--", "requests"],
            cwd=at.directory,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        measured = json.loads(output.splitlines()[-1])
        if measured["errors"] or not measured["rate"]:
            sys.exit(f"{self.label}: {output}")
        measured["cpu"] = (cpu(self.server.pid) - used) / (measured["rate"] * seconds) * 1e3
        return measured

    def median(self, connections: int, what: str) -> float:
        """Return the middle of what the rounds measured."""
        return statistics.median(each[what] for each in self.rounds[connections])


def sessions(server: Server) -> list[dict[str, str]]:
    """Return the headers of some sessions."""
    return [server.session()[0] for _ in range(SESSIONS)]


def modern(function: str) -> list[dict[str, str]]:
    """Return the headers of a call as of 2026-07-28."""
    return [{"mcp-protocol-version": NEW, "mcp-method": "tools/call", "mcp-name": function}]


def ways(ours: Server, fast: Server, usual: Server) -> list[Case]:
    """Return the ways to call the functions."""
    cases = []
    open_sessions = {id(server): sessions(server) for server in (ours, usual)}
    for function in ("add", "multiply"):
        new = modern(function)
        cases += [
            Case(f"daemon, {NEW}", ours, function, ours.path, new, era=NEW),
            Case(f"daemon, {OLD}, sessions", ours, function, ours.path, open_sessions[id(ours)]),
            Case(
                "daemon, `POST /tools/NAME`", ours, function, f"/tools/sums_{function}", [{}], False
            ),
            Case(
                "daemon, `POST /PLUGIN/COMMAND`", ours, function, f"/sums/{function}", [{}], False
            ),
            Case(f"FastMCP, stateless, JSON, {NEW}", fast, function, "/mcp", new, era=NEW),
            Case(
                f"FastMCP, stateless, JSON, {OLD}",
                fast,
                function,
                "/mcp",
                [{"mcp-protocol-version": OLD}],
            ),
            Case(f"FastMCP as it comes, {NEW}", usual, function, "/mcp", new, era=NEW),
            Case(
                f"FastMCP as it comes, {OLD}, sessions",
                usual,
                function,
                "/mcp",
                open_sessions[id(usual)],
            ),
        ]
    return cases


@contextmanager
def all_servers(at: Home) -> Iterator[tuple[Server, Server, Server]]:
    """Run the daemon, FastMCP where it is fastest, and FastMCP as it comes."""
    at.plugin("sums", FUNCTIONS)
    with (
        daemon(at, "/mcp/sums") as ours,
        served(at, "sums", FASTEST) as fast,
        served(at, "sums", {}) as usual,
    ):
        yield ours, fast, usual


def http(at: Home, arguments: argparse.Namespace) -> None:
    """Measure calls over HTTP."""
    with all_servers(at) as servers:
        cases = ways(*servers)
        for case in cases:
            case.check()
            case.measure(at, 16, 1)
        busy()
        for _ in range(arguments.rounds):
            for case in cases:
                for connections in CONNECTIONS:
                    measured = case.measure(at, connections, arguments.seconds)
                    case.rounds[connections].append(measured)
    for number in CONNECTIONS:
        columns = ["calls/s", "least", "most", "times FastMCP's best", "p50 ms", "p99 ms", "CPU ms"]
        print()
        headings(f"HTTP, connections: {number}", "function", *columns)
        for case in cases:
            best = max(
                each.median(number, "rate")
                for each in cases
                if each.label.startswith("FastMCP") and each.function == case.function
            )
            rate = case.median(number, "rate")
            rates = sorted(each["rate"] for each in case.rounds[number])
            row(
                case.label,
                "def" if case.function == "add" else "async def",
                *(f"{each:,.0f}" for each in (rate, rates[0], rates[-1])),
                f"{rate / best:.1f}",
                *(f"{case.median(number, what):.2f}" for what in ("p50", "p99", "cpu")),
            )


def megabytes(size: float) -> str:
    """Return a size as a text."""
    return f"{size / 1e6:.1f}"


def memories(at: Home, arguments: argparse.Namespace) -> None:
    """Measure the memory of the servers, and of further sessions over stdio."""
    with all_servers(at) as servers:
        labels = ["daemon, one process", "FastMCP, stateless, JSON", "FastMCP as it comes"]
        idle = [server.memory() for server in servers]
        for case in ways(*servers):
            if case.is_tool:
                case.measure(at, 16, arguments.seconds)
        time.sleep(2)
        head("PSS in MB", "idle", "after calls")
        for label, server, before in zip(labels, servers, idle, strict=True):
            row(label, megabytes(before), megabytes(server.memory()))
        commands = {
            "skills-client mcp": [str(at.programs / "skills-client"), "mcp", "sums"],
            "FastMCP": fastmcp(at, "sums", {}),
        }
        head(f"PSS in MB of a session over stdio, of {OPEN}", "its process", "of the daemon")
        for label, command in commands.items():
            before = servers[0].memory()
            with ExitStack() as stack:
                processes = [stack.enter_context(begun(at, command)) for _ in range(OPEN)]
                for process in processes:
                    listing(process, OLD)
                own = sum(memory(process.pid) for process in processes) / OPEN
                grown = (servers[0].memory() - before) / OPEN
                for process in processes:
                    process.stdin.close()
            row(label, megabytes(own), f"{grown / 1e6:.2f}" if command[1] == "mcp" else "-")


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


def corpus(at: Home, arguments: argparse.Namespace) -> None:
    """Measure what a session begins with where there are 1,000 commands."""
    for plugin in json.loads((HERE / "corpus.json").read_text()):
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


def main() -> None:
    """Run the parts."""
    parts: dict[str, Callable[[Home, argparse.Namespace], None]] = {
        "stdio": stdio,
        "http": http,
        "memory": memories,
        "corpus": corpus,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="of the daemon's programs")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--starts", type=int, default=30, help="starts of each process")
    parser.add_argument("--rounds", type=int, default=5, help="of calls over HTTP")
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    arguments = parser.parse_args()
    needed = ["uv"] + ["wrk"] * (not {"http", "memory"}.isdisjoint(arguments.parts or parts))
    if missing := [name for name in needed if shutil.which(name) is None]:
        parser.error(f"there is no {' and no '.join(missing)}")
    if unknown := set(arguments.parts) - set(parts):
        parser.error(f"there is no part {', '.join(unknown)}")
    names = ["fastmcp", "mcp", "uvicorn", "uvloop", "httptools"]
    found = [f"{name} {installed(name)}" for name in names]
    print(f"{', '.join(found)}; Python {sys.version.split()[0]}; {os.cpu_count()} processors")
    for part in arguments.parts or parts:
        with home(arguments.directory.resolve()) as at:
            parts[part](at, arguments)


def installed(package: str) -> str:
    """Return the version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


if __name__ == "__main__":
    main()
