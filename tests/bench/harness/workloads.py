"""The workloads of all servers."""

from __future__ import annotations

from dataclasses import dataclass

from harness.wrk import Load

_PARAMETERS = "count=3&loud=true"


@dataclass(frozen=True)
class Workload:
    """One kind of load.

    Attributes:
        name: For `--only`.
        title: For tables.
        load: Requests to send.
    """

    name: str
    title: str
    load: Load


ECHO = f"GET /bench/async/abc?{_PARAMETERS}"

WORKLOADS = (
    Workload("echo-async", "`async def` echo, 3 parameters", Load((ECHO,))),
    Workload("echo-def", "`def` echo, 3 parameters", Load((f"GET /bench/def/abc?{_PARAMETERS}",))),
    Workload("rows", "1,000 rows, no result type", Load(("GET /bench/rows",))),
    Workload("typed-rows", "1,000 rows, `-> dict[str, Any]`", Load(("GET /bench/typed-rows",))),
    Workload("sleep", "`await asyncio.sleep(0.01)`", Load(("GET /bench/sleep",), connections=500)),
    Workload(
        "body", "ASGI path: body model", Load(('POST /bench/order {"item":"tea","count":2}',))
    ),
    Workload(
        "yield", "ASGI path: `yield` in a `Depends`", Load((f"GET /bench/yield/abc?{_PARAMETERS}",))
    ),
    Workload("depends", "`Depends` on a class", Load((f"GET /bench/depends/abc?{_PARAMETERS}",))),
    Workload("latency", "`async def` echo, 1 connection", Load((ECHO,), connections=1)),
)
