"""Answers of plain functions, and the exit status that a shell gets with them."""

from __future__ import annotations

import errno
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from skills_daemon.callers import caller
from skills_daemon.commands import CommandError

if TYPE_CHECKING:
    from skills_host.contract import Message, Receive, Send


JSON = b"application/json"
BINARY = b"application/octet-stream"


class Response:
    """A whole answer."""

    def __init__(
        self,
        status: int,
        body: bytes,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        *,
        kind: bytes = JSON,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.kind = kind

    async def begin(self) -> None:
        """Waits until it is certain how it begins."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Sends it."""
        own = (b"content-type", self.kind)
        head = {"status": self.status, "headers": [own, *self.headers]}
        await send({"type": "http.response.start", **head})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


class SentFile(Response):
    """The answer that is a file.

    Args:
        path: Its path, relative to the caller's directory.

    Raises:
        FileNotFoundError: There is no file.
    """

    def __init__(self, path: PurePath) -> None:
        super().__init__(200, b"")
        self._path = Path(caller().directory or ".", path)
        if not self._path.is_file():
            raise FileNotFoundError(errno.ENOENT, "No such file", str(self._path))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Sends it."""
        from starlette.responses import FileResponse

        name = self._path.name
        response = FileResponse(self._path, filename=name, content_disposition_type="inline")
        await response(scope, receive, send)


def exit_header(status: int, how: str = "") -> tuple[bytes, bytes]:
    """Returns the header with the exit status of a shell's call.

    Args:
        status: The exit status.
        how: `quiet` if nothing is printed for it, `plain` for the error's text alone.
    """
    return (b"x-skills-exit", f"{status};{how}".rstrip(";").encode())


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
