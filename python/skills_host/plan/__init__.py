"""Call plans: direct calls of handlers, where they give the same answer as FastAPI.

`route` makes plans, from `tree` (the handler and its dependencies), `parameter` and `result`;
`reason` is the exception for routes without a plan.
"""
