"""Call plans: how handlers are called without FastAPI's stack, as FastAPI calls them.

`route` makes plans: from `tree`, the handler and its dependencies as a list of `step`s, and
`result`, what becomes of a result. `parameter` describes what the library binds; `purity` finds
code of the plugin in validators; `reason` is the exception for what is left to FastAPI.
`internals` has all private names of FastAPI.
"""
