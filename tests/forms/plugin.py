"""A plugin that compares the host's forms with those of Starlette, in the daemon itself."""

import logging
from typing import Any

import fastapi
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from skills_host import forms

from .bodies import Bodies

router = fastapi.APIRouter()

#: The longest body that a difference shows whole.
SHOWN = 2000

# It warns of each malformed body.
logging.getLogger("multipart").setLevel(logging.ERROR)
logging.getLogger("python_multipart").setLevel(logging.ERROR)


def request(content_type: str, chunks: list[bytes]) -> Request:
    """Returns a request with a body."""
    messages = [{"type": "http.request", "body": each, "more_body": True} for each in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    headers = [(b"content-type", content_type.encode("latin-1", "replace"))]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def shown(form: FormData) -> list[Any]:
    """Returns all that is seen of a form."""
    entries: list[Any] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            file: Any = value.file
            position, rolled = file.tell(), file._rolled
            content = file.read()
            file.seek(0)
            entries.append(
                (
                    *(name, value.filename, value.size, value.content_type, value.headers.raw),
                    *(position, rolled, content, type(file).__name__, file._max_size),
                    *sorted(vars(value)),
                )
            )
        else:
            entries.append((name, value))
    return [type(form).__name__, *entries]


async def outcome(asked: Request) -> Any:
    """Returns what Starlette makes of a request."""
    try:
        form = await asked.form()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    try:
        return shown(form)
    finally:
        await form.close()


@router.get("/compare")
async def compare(seed: int, count: int) -> dict[str, Any]:
    """Compares forms; `certain` is how many of them the host parsed."""
    bodies, differences, certain, with_files = Bodies(seed), [], 0, 0
    for number in range(count):
        content_type, body = bodies.next()
        header = content_type.encode("latin-1", "replace").decode("latin-1")
        form = forms.parse(header, body)
        if form is None:
            continue
        certain += 1
        ours = shown(form)
        with_files += any(len(each) > 2 for each in ours[1:])
        await form.close()
        for chunks in ([body], bodies.chunks(body)):
            theirs = await outcome(request(content_type, chunks))
            if ours != theirs:
                differences.append(
                    f"{number}: {header} {body[:SHOWN]!r}: {ours!r:.2000} != {theirs!r:.2000}"
                )
    return {
        "differences": differences[:5],
        "certain": certain,
        "with_files": with_files,
        "asked": count,
    }


@router.get("/read")
async def read(seed: int, count: int) -> list[str]:
    """Returns where `read` differs from `Request.form`, with bodies of all kinds."""
    bodies, differences = Bodies(seed), []
    for _ in range(count):
        content_type, body = bodies.next()
        asked = request(content_type, [])
        try:
            form = await forms.read(asked, body)
            ours: Any = shown(form)
            assert asked._form is form
            await asked.close()
        except Exception as error:
            ours = f"{type(error).__name__}: {error}"
        theirs = await outcome(request(content_type, [body]))
        if ours != theirs:
            differences.append(f"{content_type} {body[:SHOWN]!r}: {ours!r} != {theirs!r}")
    return differences[:5]


@router.get("/limits")
async def limits() -> list[Any]:
    """Returns the lengths of forms at and above their limits; `null` where Starlette parses."""

    def fields(count: int, size: int) -> bytes:
        part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n'
        return part % (b"1" * size) * count + b"--x--"

    def length(form: FormData | None) -> int | None:
        return None if form is None else len(form.multi_items())

    header = "multipart/form-data; boundary=x"
    encoded = "application/x-www-form-urlencoded"
    return [
        length(forms.parse(header, fields(1000, 1))),
        length(forms.parse(header, fields(1001, 1))),
        length(forms.parse(header, fields(1001, 1), max_fields=float("inf"))),
        length(forms.parse(header, fields(3, 1), max_fields=2)),
        length(forms.parse(header, fields(1, 11), max_part_size=10)),
        length(forms.parse(encoded, b"a=1&" * 1000)),
        length(forms.parse(encoded, b"a=1&" * 1001)),
        length(forms.parse(None, b"")),
    ]


class Plugin:
    """The plugin."""

    name = "forms"
    router = router
