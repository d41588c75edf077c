"""A plugin with routes of every kind that FastAPI knows.

The daemon serves it, uvicorn serves it, and `compare.py` asks both the same. Handlers answer what
they got with its type, so that an `int` that arrived as `str` shows; nothing they answer depends
on time, chance, the process or the order of requests, except where requests come in sequences.

- `kinds`: types of parameters.
- `record`: what was got, and how often each handler ran.
- `table`: a route for each kind and each place where a parameter can stand.
- `styles`: every way to declare a parameter.
- `results`: everything a handler can return.
- `answers`: responses, statuses, headers, cookies, streams.
- `failures`: everything a handler can raise.
- `bodies`: JSON, forms, files and raw requests.
- `needs`: dependencies; `callables`: every kind of callable that can be one.
- `lives`: lifespans.
- `tasks`: background tasks, context variables, event loops.
- `paths`: routes that are in each other's way, convertors, slashes, mounts.

To add a route, declare it in the module of its topic: `compare.py` finds it and its parameters. A
route that is not FastAPI's own is named in `PLAIN` of `paths`, for there is no way to find it.
"""

from fastapi import APIRouter

from . import (
    answers,
    bodies,
    callables,
    failures,
    lives,
    needs,
    paths,
    record,
    results,
    styles,
    table,
    tasks,
)

router = APIRouter()
# Matching takes longer the later a route is declared.
for part in (paths, table, styles, needs, bodies, answers, failures, tasks, record, results):
    router.include_router(part.router)
for part in (callables, lives):
    router.include_router(part.router)
# Only the topmost router can have a route for its bare prefix.
router.add_api_route("", paths.root)
#: Paths below the prefix that are served, but not by an `APIRoute`.
plain_paths: list[str] = paths.PLAIN


class OraclePlugin:
    """The plugin."""

    name = "oracle"
    version = "1.0.0"
    description = "Routes of every kind"
    router = router
