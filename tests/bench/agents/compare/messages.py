"""The messages of MCP that the servers get, of both eras of its protocol."""

from __future__ import annotations

import json
from typing import Any

OLD, NEW = "2025-11-25", "2026-07-28"
CLIENT = {"name": "compare", "version": "1"}

ACCEPTING = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
}


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


def compact(data: Any) -> str:
    """Return data as JSON without spaces."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
