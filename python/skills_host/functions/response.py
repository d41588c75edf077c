"""Answers of plain functions, and the exit status that a shell gets with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_daemon.commands import CommandError

if TYPE_CHECKING:
    from skills_host.contract import Message, Receive, Send


class Response:
    """A whole answer."""

    def __init__(
        self, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def begin(self) -> None:
        """Waits until it is certain how it begins."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Sends it."""
        own = (b"content-type", b"application/json")
        head = {"status": self.status, "headers": [own, *self.headers]}
        await send({"type": "http.response.start", **head})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def exit_header(status: int, *, quiet: bool = False) -> tuple[bytes, bytes]:
    """Returns the header with the exit status of a shell's call; a quiet one prints nothing."""
    return (b"x-skills-exit", f"{status}{';quiet' if quiet else ''}".encode())


def exit_status(error: BaseException) -> tuple[int, str]:
    """Returns the exit status of a program that ends with `error`, and what it prints."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return (code or 0) % 256, ""
        return 1, str(code)
    if isinstance(error, CommandError) and error.exit_status is not None:
        return error.exit_status, str(error)
    return 1, str(error)
