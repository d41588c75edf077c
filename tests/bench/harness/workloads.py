"""The workloads of all servers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.request import Request
from harness.wrk import Load

_PARAMETERS = "count=3&loud=true"
#: The same as in `plugins/bench/needs.py`.
_TOKEN = "a-token-of-the-bench"
_BOUNDARY = "boundary-of-the-bench"

#: Aims, in multiples of Granian's requests per second: where the work is the server's, where much
#: of it is pydantic's, where most of it is done by the parser of forms or by the system.
_OWN, _MODELS, _BYTES = 3.0, 2.5, 1.5


@dataclass(frozen=True)
class Workload:
    """One kind of load.

    Attributes:
        name: For `--only`.
        title: For tables.
        load: Requests to send.
        aim: Wanted ratio of the daemon's requests per second to Granian's.
        status: Expected of every answer.
        on_axum: Whether `limit.rs` has the routes as well.
    """

    name: str
    title: str
    load: Load
    aim: float = _OWN
    status: int = 200
    on_axum: bool = False


def _of(
    name: str, title: str, request: Request | str, aim: float = _OWN, status: int = 200
) -> Workload:
    return Workload(name, title, Load((request,)), aim, status)


def _on_axum(name: str, title: str, request: str, connections: int = 32) -> Workload:
    return Workload(name, title, Load((request,), connections), on_axum=True)


def _multipart(fields: dict[str, str], file: tuple[str, bytes]) -> bytes:
    """Returns a form with one file."""
    name, content = file
    disposition = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{disposition}"{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    parts.append(f'{disposition}"file"; filename="{name}"\r\n'.encode())
    parts.append(b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def _typed(path: str, body: bytes, media_type: str) -> Request:
    return Request("POST", path, body, (("Content-Type", media_type),))


ECHO = f"GET /bench/async/abc?{_PARAMETERS}"
ORDER = 'POST /bench/order {"item":"tea","count":2}'
_ORDERS = [{"item": f"item {n}", "count": n % 99 + 1, "gift": n % 2 == 0} for n in range(200)]
_INVOICE = {
    "number": 7,
    "due": "2026-12-24",
    "customer": {
        "name": "Ada",
        "email": "ada@example.com",
        "address": {"street": "Long Street 1", "city": "London", "zip": None},
    },
    "orders": _ORDERS[:3],
    "notes": {"colour": "green", "size": "large"},
}
INVOICE = f"POST /bench/invoice {json.dumps(_INVOICE)}"
ORDERS = f"POST /bench/orders {json.dumps(_ORDERS)}"
FORM = _typed(
    "/bench/form",
    urlencode({"name": "Ada L.", "age": 36, "city": "London", "news": "true"}).encode(),
    "application/x-www-form-urlencoded",
)
UPLOAD = _typed(
    "/bench/upload",
    # Line ends and all other bytes.
    _multipart({"title": "A file", "pages": "3"}, ("a.bin", bytes(range(256)) * 64)),
    f"multipart/form-data; boundary={_BOUNDARY}",
)
BEARER = Request("GET", "/bench/bearer/abc", headers=(("Authorization", f"Bearer {_TOKEN}"),))
REQUEST = Request("GET", "/bench/request/abc", headers=(("X-Mark", "seen"),))
INVALID = 'POST /bench/order {"item":"","count":"many"}'
TASK = Request("POST", "/bench/task/abc", b"")
_SLEEP = "GET /bench/sleep"

WORKLOADS = (
    _on_axum("echo-async", "`async def` echo, 3 parameters", ECHO),
    _on_axum("echo-def", "`def` echo, 3 parameters", f"GET /bench/def/abc?{_PARAMETERS}"),
    _on_axum("latency", "`async def` echo, 1 connection", ECHO, connections=1),
    _on_axum("sleep", "`await asyncio.sleep(0.01)`", _SLEEP, connections=500),
    _on_axum("rows", "1,000 rows, no result type", "GET /bench/rows"),
    _on_axum("typed-rows", "1,000 rows, `-> dict[str, Any]`", "GET /bench/typed-rows"),
    _on_axum("body", "JSON body, one model", ORDER),
    _of("nested", "JSON body, models in models", INVOICE),
    _of("list", "JSON body, list of 200 models", ORDERS, _MODELS),
    _of("form", "form, 4 fields", FORM),
    _of("upload", "upload of 16 KiB and 2 fields", UPLOAD, _BYTES),
    _on_axum("depends", "`Depends` on a class", f"GET /bench/depends/abc?{_PARAMETERS}"),
    _of("deep", "`Depends` four deep, `def` and `async def`", f"GET /bench/deep/abc?{_PARAMETERS}"),
    _on_axum(
        "yield", "`yield` in `def`, `async def` handler", f"GET /bench/yield/abc?{_PARAMETERS}"
    ),
    _of("yield-def", "`yield` in `def`, `def` handler", f"GET /bench/yield-def/abc?{_PARAMETERS}"),
    _of("yield-async", "`yield` in `async def`", f"GET /bench/yield-async/abc?{_PARAMETERS}"),
    _of("bearer", "bearer token that a dependency checks", BEARER),
    _of("request", "`Request` and `Response`", REQUEST),
    _of("model", "response model, 100 items", "GET /bench/issues", _MODELS),
    _of("text", "`PlainTextResponse`", "GET /bench/text"),
    _of("stream", "stream of 50 pieces", "GET /bench/stream"),
    _of("file", "file of 64 KiB", "GET /bench/file", _BYTES),
    _of("invalid", "422: body that fails", INVALID, status=422),
    _of("missing", "404: `HTTPException`", "GET /bench/missing/abc", status=404),
    _of("redirect", "307: `RedirectResponse`", "GET /bench/redirect", status=307),
    _of("task", "background task", TASK),
)
