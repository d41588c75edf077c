"""Direct calls: handlers called with FastAPI's objects and in its order, without its stack.

A handler that takes nothing but bound values is called by the library. `runner` does what is left
of such a call, and has all others carried out by `solver`, with a `run` for each, which also has
the scope and the `Request` of the call. `body` reads bodies, `answer` sends responses, `failure`
answers exceptions.
"""
