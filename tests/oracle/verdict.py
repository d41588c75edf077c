"""Comparison of two answers, and rules for intended differences.

A rule names a difference and its reason, and is counted each time it is used. To add one, add
a function to `RULES`; think twice, for each is a place where the daemon may be wrong unseen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from exchange import Answer, Request

#: Headers that belong to the connection or the server, not to the application.
_OF_THE_SERVER = {
    "connection": "how long a connection is kept is the server's business",
    "keep-alive": "the same",
    "transfer-encoding": "how a body of unknown length is sent is the server's business",
    "date": "two clocks",
    "x-request-id": "the daemon gives every answer one",
}


def differences(reference: Answer, daemon: Answer) -> list[str]:
    """Returns the parts that differ: `status`, `body`, `header NAME`, `whole`."""
    found = []
    if reference.status != daemon.status:
        found.append("status")
    if reference.whole != daemon.whole:
        found.append("whole")
    for name in sorted({name for name, _ in (*reference.headers, *daemon.headers)}):
        if name not in _OF_THE_SERVER and _header(reference, name) != _header(daemon, name):
            found.append(f"header {name}")
    if _body(reference) != _body(daemon):
        found.append("body")
    return found


def _header(answer: Answer, name: str) -> Any:
    values = answer.all(name)
    if name == "allow":
        # Starlette joins a set, whose order differs from process to process.
        return sorted(part.strip() for value in values for part in value.split(","))
    if name == "set-cookie":
        # Two clocks: the time at which a cookie is deleted is now.
        return [re.sub(r"expires=[^;]*GMT", "expires=", value) for value in values]
    if name in ("content-type", "content-range"):
        # Starlette before 0.49 announced several ranges in the latter.
        return [_without_boundary(value) for value in values]
    return values


def _without_boundary(text: str) -> str:
    """Leaves out what Starlette draws by lot: the boundary of several ranges of a file."""
    return re.sub(r"(?<=byteranges; boundary=)[0-9a-f]+", "", text)


def _body(answer: Answer) -> Any:
    """The body, read so that `1`, `1.0` and `true` differ, and the order of keys counts."""
    if answer.media_type == "application/json" or answer.media_type.endswith("+json"):
        try:
            return repr(json.loads(answer.body, object_pairs_hook=tuple))
        except (ValueError, RecursionError):
            pass
    if answer.media_type == "multipart/byteranges":
        return re.sub(rb"(?m)^--[0-9a-f]{20,}", b"--", answer.body)
    return answer.body


Rule = Callable[[Request, Answer, Answer, list[str]], bool]


def not_http(request: Request, reference: Answer, daemon: Answer, found: list[str]) -> bool:
    """uvicorn rejects the request as invalid HTTP, so FastAPI's answer is missing."""
    if request.is_plain:
        return False
    own = b"Invalid HTTP request received."
    return reference.status == 400 and reference.body == own and 200 <= daemon.status < 500


def not_a_uri(request: Request, reference: Answer, daemon: Answer, _: list[str]) -> bool:
    """hyper refuses what no URI has, where uvicorn lets it pass (`"<>` after a body only)."""
    own = b'{"success":false,"error":"the request is not valid HTTP/1.1",'
    return not request.is_plain and daemon.status == 400 and daemon.body.startswith(own)


def uvicorn_gave_up(_: Request, reference: Answer, daemon: Answer, found: list[str]) -> bool:
    """h11 refuses the head of an answer, or its length, and uvicorn cuts the connection."""
    if daemon.status == 0 or not daemon.whole:
        return False
    return reference.status == 0 or (not reference.whole and reference.status == daemon.status)


def both_gave_up(_: Request, reference: Answer, daemon: Answer, found: list[str]) -> bool:
    """A stream that breaks before its first piece: uvicorn has sent the head by then."""
    return not reference.whole and reference.body == b"" and daemon.status == 0


def length_added(_: Request, reference: Answer, daemon: Answer, found: list[str]) -> bool:
    """hyper sends the length of a body that is complete already; uvicorn sends it in chunks."""
    has_content = daemon.status not in (204, 304)
    return (
        has_content and found == ["header content-length"] and not reference.all("content-length")
    )


#: All rules.
RULES: tuple[Rule, ...] = (not_http, not_a_uri, uvicorn_gave_up, both_gave_up, length_added)


class Judge:
    """Applies the rules and counts.

    Attributes:
        excused: Number of uses of each rule.
    """

    def __init__(self) -> None:
        self.excused: Counter[str] = Counter()

    def judge(self, request: Request, reference: Answer, daemon: Answer) -> list[str]:
        """The differences that no rule explains."""
        found = differences(reference, daemon)
        if found:
            for rule in RULES:
                if rule(request, reference, daemon, found):
                    self.excused[rule.__name__] += 1
                    return []
        return found

    def summary(self) -> list[str]:
        """A line for each rule, used or not."""
        return [
            f"  {rule.__name__}: {self.excused[rule.__name__]}  ({(rule.__doc__ or '').strip()})"
            for rule in RULES
        ]
