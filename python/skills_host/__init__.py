"""The Python half of the daemon process: loads plugins and runs them, one thread each.

Only the host imports this package: the other half, the extension module `_skills_host`, exists in
that process alone. Plugins import `skills_daemon` instead.

- `realm`: the modules of one plugin; `imports`: the packages that loaded modules have imported.
- `loader`: imports a plugin and makes its application and its description.
- `worker`: the plugin's thread: its event loop, its requests; `hooks`: `startup()` and the like.
- `lifespan`: what runs before the plugin's first request and after its last.
- `own`: what the SDK provides to the plugin; `background`: its supervised tasks.
- `contract`: protocols and types that these parts share; `_skills_host.pyi`: the other half's API.
- `direct`: calls of handlers with bound arguments; `eager`: the tasks of a loop.
- `plan`, `functions`: call plans of FastAPI routes; plugins of plain functions.
- `asgi`: one request as an ASGI call.
- `forms`: forms in request bodies, parsed by the host; `files`: responses that are files.
- `exits`: `os._exit`, which ends the daemon; `threads`: the threads that plugins start.
- `log`: everything Python logs or prints goes to the daemon's log.
"""
