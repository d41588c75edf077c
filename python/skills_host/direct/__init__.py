"""Direct calls: handlers called with FastAPI's objects and in its order, without its stack.

`runner` receives every call of a loop. A handler that takes nothing but bound values is called by
it at once; all others are carried out by `solver`, with a `run` for each call. `request` has the
scope and the `Request` of a call, `body` reads bodies, `answer` sends responses, `failure` answers
exceptions.
"""
