"""Forms in request bodies: the objects that Starlette makes, without its parsers in Python.

The host parses what is plain, `src/forms` of the library; everything else is left to Starlette
itself, and so are all errors.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import _skills_host

if TYPE_CHECKING:
    from starlette.datastructures import FormData, UploadFile
    from starlette.requests import Request

    from skills_host.contract import Message, Receive

#: Starlette's own defaults.
MAX_FILES = 1000
MAX_FIELDS = 1000
MAX_PART_SIZE = 1024 * 1024

#: A file of a form and where its content lies in the body.
Pending = tuple["UploadFile", int, int]


def parse(
    content_type: str | None,
    body: bytes,
    *,
    max_files: float = MAX_FILES,
    max_fields: float = MAX_FIELDS,
    max_part_size: float = MAX_PART_SIZE,
) -> FormData | None:
    """Returns the form in a body, equal to that of `Request.form` with the same limits.

    Files that are too large for memory are written to disk before it returns.

    Args:
        content_type: The first `Content-Type` header.
        body: The whole body.
        max_files: Largest number of files.
        max_fields: Largest number of other fields.
        max_part_size: Largest size of a field that is no file, in bytes.

    Returns:
        The form, which the caller closes; `None` where Starlette has to parse.
    """
    begun = _begin(content_type, body, max_files, max_fields, max_part_size)
    if begun is None:
        return None
    form, pending = begun
    _write(pending, body)
    return form


async def read(
    request: Request,
    body: bytes,
    *,
    max_files: float = MAX_FILES,
    max_fields: float = MAX_FIELDS,
    max_part_size: float = MAX_PART_SIZE,
) -> FormData:
    """Returns the form of a request whose body was read already, as `Request.form` does.

    Files that are too large for memory are written to disk by a thread. The request keeps the
    form and closes it in its own `close`.

    Args:
        request: The request, nothing of whose body was read by other means.
        body: The whole body.
        max_files: As for `parse`.
        max_fields: As for `parse`.
        max_part_size: As for `parse`.

    Raises:
        HTTPException: The form is malformed or exceeds a limit.
    """
    content_type = request.headers.get("content-type")
    begun = _begin(content_type, body, max_files, max_fields, max_part_size)
    if begun is None:
        limits: dict[str, Any] = {"max_files": max_files, "max_fields": max_fields}
        if max_part_size != MAX_PART_SIZE:
            # Old versions have no such limit.
            limits["max_part_size"] = max_part_size
        return await by_starlette(request, body, **limits)
    form, pending = begun
    if any(end - start > _spool_size() for _, start, end in pending):
        from starlette.concurrency import run_in_threadpool

        await run_in_threadpool(_write, pending, body)
    else:
        _write(pending, body)
    request._form = form
    # Reading it again is Starlette's error.
    request._stream_consumed = True
    return form


async def by_starlette(request: Request, body: bytes, **limits: Any) -> FormData:
    """Returns the form of a request whose body was read already, parsed by Starlette.

    Raises:
        HTTPException: The form is malformed or exceeds a limit.
    """
    request._receive = _replayed(body, request._receive)
    return await request.form(**limits)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that has the body once more."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _begin(
    content_type: str | None,
    body: bytes,
    max_files: float,
    max_fields: float,
    max_part_size: float,
) -> tuple[FormData, list[Pending]] | None:
    """Returns a form whose files are empty, and what is to be written to them."""
    if content_type is None:
        return None
    from starlette import formparsers
    from starlette.datastructures import FormData, Headers, UploadFile

    if vars(formparsers).get("multipart") is None:
        return None
    # Some versions have the limit as an attribute alone, which applications set.
    of_class = getattr(formparsers.MultiPartParser, "max_part_size", max_part_size)
    max_part_size = min(max_part_size, of_class)
    entries = _skills_host.parse_form(content_type, body, max_files, max_fields, max_part_size)
    if entries is None:
        return None
    items: list[tuple[str, str | UploadFile]] = []
    pending: list[Pending] = []
    in_memory = _spool_size()
    for entry in entries:
        if len(entry) == 2:
            items.append(entry)
            continue
        name, filename, headers, start, end = entry
        # Closed with the form.
        content = SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115
        file = UploadFile(
            file=cast(BinaryIO, content),
            size=end - start,
            filename=filename,
            headers=Headers(raw=headers),
        )
        items.append((name, file))
        pending.append((file, start, end))
    return FormData(items), pending


def _write(pending: list[Pending], body: bytes) -> None:
    """Writes the content of files, and lets them be read from the beginning."""
    view, in_memory = memoryview(body), _spool_size()
    for file, start, end in pending:
        if 0 < in_memory < end - start:
            # Otherwise all of the content would be in memory once more before it is.
            cast("SpooledTemporaryFile[bytes]", file.file).rollover()
        if start != end:
            file.file.write(view[start:end])
            file.file.seek(0)


def _spool_size() -> int:
    """Returns how large a file in memory may be, which applications may set."""
    from starlette.formparsers import MultiPartParser

    # The name in older versions is the second.
    size: int | None = getattr(MultiPartParser, "spool_max_size", None)
    return getattr(MultiPartParser, "max_file_size", MAX_PART_SIZE) if size is None else size
