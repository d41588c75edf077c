"""The reference: the plugin's router in a FastAPI application, served by uvicorn.

Run as a program, it prints its port on the first line of stdout and ends when its stdin does, so
that it never outlives its parent.
"""

from __future__ import annotations

import importlib.util
import logging
import socket
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.utils import generate_unique_id

#: The prefix of every route.
PREFIX = "/oracle"


def load(plugin: Path) -> types.ModuleType:
    """Imports the plugin package in the directory `plugin`.

    Its name is what it is under the daemon, for FastAPI quotes names of modules in some messages.
    """
    name = f"_plugin_oracle.{plugin.name}"
    init_file = plugin / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name, init_file, submodule_search_locations=[str(plugin)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{init_file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["_plugin_oracle"] = types.ModuleType("_plugin_oracle")
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def application(router: Any, seen: list[Any] | None = None) -> FastAPI:
    """The application over `router`, made as the daemon makes it.

    Args:
        router: The plugin's.
        seen: Gets every FastAPI route with its whole path, once `openapi()` was called.
    """

    def unique_id(route: Any) -> str:
        if seen is not None:
            seen.append(route)
        return generate_unique_id(route)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        content = {
            "success": False,
            "error": str(error),
            "hint": "Check daemon logs for details",
        }
        return JSONResponse(status_code=500, content=content)

    app = FastAPI(
        title="oracle",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=unique_id,
    )
    app.include_router(router, prefix=PREFIX, tags=["Oracle"])
    app.add_exception_handler(Exception, failed)
    return app


class Reference:
    """The reference as a process of its own; a context manager.

    Attributes:
        address: Its address.
    """

    def __init__(self, plugin: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, str(plugin)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        stdout = self._process.stdout
        line = stdout.readline() if stdout is not None else b""
        if not line.strip().isdigit():
            raise RuntimeError(f"the reference did not start: {self._process.wait()}")
        self.address = ("127.0.0.1", int(line))

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main() -> None:
    """Serves the plugin that the first argument names."""
    import uvicorn

    warnings.simplefilter("ignore")
    # Many requests are meant to raise.
    logging.disable()
    app = application(load(Path(sys.argv[1])).router)
    # No proxy stands before the daemon, so it trusts no header of one.
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        timeout_keep_alive=600,
        proxy_headers=False,
        server_header=False,
    )
    server = uvicorn.Server(config)

    def end_with_stdin() -> None:
        sys.stdin.read()
        server.should_exit = server.force_exit = True

    threading.Thread(target=end_with_stdin, daemon=True).start()
    # asyncio switches Nagle's algorithm off only where it sees that the protocol is TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        # Connections are queued from here on.
        print(listening.getsockname()[1], flush=True)
        server.run(sockets=[listening])


if __name__ == "__main__":
    main()
