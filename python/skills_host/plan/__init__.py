"""Call plans: how a route's handler is called without FastAPI, where that gives the same answer.

`route` plans, from `tree` (the handler and its dependencies), `parameter` and `result`; `reason` is
why there is no plan.
"""
