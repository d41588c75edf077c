"""The smallest request that still makes the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from exchange import Request


def shrink(request: Request, differs: Callable[[Request], bool], tries: int = 60) -> Request:
    """Leaves out of `request` whatever can be left out.

    Args:
        request: One for which `differs` is true.
        differs: Asks both servers.
        tries: Maximum number of its calls.
    """
    again = True
    while again:
        again = False
        for smaller in _smaller(request):
            tries -= 1
            if tries < 0:
                return request
            if differs(smaller):
                request, again = smaller, True
                break
    return request


def _smaller(request: Request) -> Iterator[Request]:
    if request.query is not None:
        yield replace(request, query=None)
        for index in range(len(request.query)):
            rest = request.query[:index] + request.query[index + 1 :]
            if rest:
                yield replace(request, query=rest)
    for index in range(1, len(request.headers)):
        yield replace(request, headers=request.headers[:index] + request.headers[index + 1 :])
    if request.body is not None:
        yield replace(request, body=None, chunked=False)
        if len(request.body) > 1:
            half = len(request.body) // 2
            yield replace(request, body=request.body[:half])
            yield replace(request, body=request.body[half:])
    if request.chunked:
        yield replace(request, chunked=False)
    if request.version != "1.1":
        yield replace(request, version="1.1")
    for index, piece in enumerate(request.query or ()):
        key, equals, value = piece.partition("=")
        if len(value) > 8:
            shorter = f"{key}{equals}{value[: len(value) // 2]}"
            query = request.query or ()
            yield replace(request, query=(*query[:index], shorter, *query[index + 1 :]))
