"""How often Python looks for cycles."""

import gc

import pytest

from skills_host import collector


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((700, 10, 10), (2000, 10, 10)),
        ((2000, 10, 10), (2000, 10, 10)),
        # What was set higher, or switched off, stays.
        ((5000, 20, 5), (5000, 20, 5)),
        ((0, 10, 10), (0, 10, 10)),
    ],
)
def test_new_objects_are_looked_at_no_more_often_than_by_newer_versions_of_python(before, after):
    gc.set_threshold(*before)
    collector.relax()
    assert gc.get_threshold() == after
