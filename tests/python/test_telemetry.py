"""While a provider of OpenTelemetry is set, FastAPI serves every request, and traces it."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from types import ModuleType
host = sys.modules["_skills_host"] = ModuleType("_skills_host")
host.to_json = lambda value: None
from fastapi import FastAPI
from skills_host.plan import internals
is_traced = internals.telemetry(FastAPI())
if is_traced is None:
    sys.exit(3)
from opentelemetry import trace
assert not is_traced()

class Provider(trace.TracerProvider):
    def get_tracer(self, *arguments, **options):
        raise AssertionError("no request is served here")

trace.set_tracer_provider(Provider())
assert is_traced()
"""


def test_a_provider_that_is_set_later_counts():
    # A provider can be set once in a process.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"PYTHONPATH": ":".join(sys.path)}, check=False
    )
    if done.returncode == 3:
        pytest.skip("this FastAPI does not trace")
    assert done.returncode == 0
