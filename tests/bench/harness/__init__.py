"""The modules of `tests/bench/run`; they import the standard library only.

- `cli`: the command line.
- `daemon`, `servers`: starting what is measured, and stopping it by its own process id.
- `request`: what is sent; `vanishing`: by clients that do not wait for the answer.
- `wrk`, `process`: measuring from outside: requests, CPU time, memory.
- `workloads`: the loads of all servers.
- `bad`, `blocking`, `chance`, `command`, `compare`, `edits`, `isolation`, `memory`, `plugins`,
  `reload`, `restart`, `routes`, `scheduling`, `soak`: one measurement each.
- `report`: tables.

To add a workload: a route in `plugins/bench`, a line with its aim in `workloads`, and the same
route in `limit.rs` if axum is to be compared.
"""
