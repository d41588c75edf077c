"""The reason why a route has no plan."""

from __future__ import annotations


class Unplanned(Exception):
    """A route cannot be called directly; the message is the reason."""
