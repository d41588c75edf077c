"""A plugin with routes of every kind that FastAPI supports.

The daemon serves it, uvicorn serves it, and `compare.py` asks both the same. Handlers answer what
they got with its type, so that an `int` that arrived as `str` shows; nothing they answer depends
on time, chance, the process or the order of requests, except where requests come in sequences.

- `version`: what this version of FastAPI has.
- `record`: what was got, and how often each handler ran.
- `trace`: what happened in a request below `/traced/`, in order.

Parameters:

- `kinds`, `table`: types of parameters, and a route for each type and place.
- `bounds`: numbers, texts and dates with bounds.
- `styles`, `options`: every way to declare a parameter, and every option.
- `models`: models whose fields are parameters.
- `bodies`, `shapes`, `forms`: JSON of every type, forms, files and raw requests.
- `validated`: validators of the plugin: when they run, and how often.
- `specials`, `handed`: the request, the answer and their like as parameters.

Handlers and dependencies:

- `wrappers`, `callables`: everything that can be called.
- `needs`, `closing`, `secured`: dependencies, those that yield, security schemes.
- `steps`: trees of dependencies of every kind that fail at every step.
- `across`: what dependencies hold while they yield.
- `lifespans`: what runs around the life of a router.
- `tasks`: background tasks, context variables, event loops.

Answers:

- `results`, `modelled`: everything a handler can return, without and with a model.
- `answers`, `streams`: responses, statuses, headers, cookies, streams, handlers that yield.
- `custom`: classes of responses of the plugin's own.
- `cut`: bodies and streams that a client leaves in the middle.
- `written`: templates, files, and what other packages write.
- `failures`: everything a handler can raise.

Routing:

- `paths`: routes that are in each other's way, convertors, slashes, mounts.
- `routers`: every option of a router and of a path operation.
- `applications`: applications and middleware under a router.

WebSockets, which `conversations.py` speaks with:

- `sockets`: everything a handler can do with one.

To add a route, declare it in the module of its topic: `compare.py` finds it and its parameters. A
route that is not FastAPI's own is named in `PLAIN` of its module, for there is no way to find it.
"""

from fastapi import APIRouter

from . import (
    across,
    answers,
    applications,
    bodies,
    bounds,
    callables,
    closing,
    custom,
    cut,
    failures,
    forms,
    handed,
    lifespans,
    modelled,
    models,
    needs,
    options,
    paths,
    record,
    results,
    routers,
    secured,
    shapes,
    sockets,
    specials,
    steps,
    streams,
    styles,
    table,
    tasks,
    trace,
    validated,
    written,
)

router = APIRouter(lifespan=lifespans.lifespan)
# Matching takes longer the later a route is declared: first those that most requests are for.
for part in (
    paths,
    steps,
    across,
    validated,
    handed,
    cut,
    trace,
    table,
    bounds,
    options,
    styles,
    models,
    needs,
    closing,
    secured,
    specials,
    bodies,
    shapes,
    forms,
    streams,
    tasks,
    lifespans,
    record,
    failures,
    answers,
    custom,
    written,
    callables,
    routers,
    results,
    modelled,
    applications,
    sockets,
):
    router.include_router(part.router)
# Only the topmost router can have a route for its bare prefix.
router.add_api_route("", paths.root)
#: Paths below the prefix that are served, but not by an `APIRoute`.
plain_paths: list[str] = [*paths.PLAIN, *routers.PLAIN, *applications.PLAIN]


class OraclePlugin:
    """The plugin."""

    name = "oracle"
    version = "1.0.0"
    description = "Routes of every kind"
    router = router
