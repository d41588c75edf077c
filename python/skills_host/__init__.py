"""The Python half of the daemon process: loading plugins and running them, one thread each.

Only the host imports this package, and only the host can: the other half is the extension module
`_skills_host`, which exists in that process alone. Plugins import `skills_daemon` instead.

- `realm`: each plugin sees its own modules; `imports`: what loaded modules have imported.
- `loader`: from a file to a plugin object, its FastAPI application and its description.
- `worker`: the plugin's thread: its event loop, its hooks, its requests.
- `lifespan`: what runs before the plugin's first request and after its last.
- `contract`: what these parts rely on of each other; `_skills_host.pyi`: what of the other half.
- `asgi`: one request as an ASGI call.
- `log`: everything Python logs or prints goes to the daemon's log.
"""
