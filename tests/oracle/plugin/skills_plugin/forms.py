"""Forms and files, with every option."""

# ruff: noqa: B008 - what it finds is what is checked here

import datetime
import enum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Header, Request, UploadFile
from fastapi.datastructures import UploadFile as OtherUploadFile
from pydantic import Json

from .kinds import Color, Level
from .record import count, echo, seen
from .version import accepted

router = APIRouter(prefix="/forms")


@router.post("/types")
def types(
    number: Annotated[int, Form(ge=0, alias="the-number")],
    ratio: Annotated[float, Form(gt=0.1, lt=0.9)] = 0.5,
    color: Annotated[Color, Form()] = Color.red,
    level: Annotated[Level | None, Form()] = None,
    word: Literal["a", "b"] = Form("a"),
    day: datetime.date | None = Form(None),
    raw: Annotated[bytes, Form(max_length=4)] = b"",
    sure: bool = Form(False),
    loose: Annotated[Any, Form()] = None,
    either: Annotated[int | str, Form()] = 0,
    parsed: Annotated[Json | None, Form()] = None,
):
    count()
    return echo(
        number=number, ratio=ratio, color=color, level=level, word=word, day=day, raw=raw,
        sure=sure, loose=loose, either=either, parsed=parsed,
    )  # fmt: skip


@router.post("/collections")
async def collections(
    many: Annotated[list[int], Form(min_length=1)],
    made: Annotated[list[float], Form(default_factory=lambda: [0.5])],
    unique: Annotated[set[str], Form()] = set(),  # noqa: B006
    pair: Annotated[tuple[int, int], Form()] = (1, 2),
    nothing: Annotated[list[Color] | None, Form()] = None,
):
    count()
    return echo(many=many, unique=unique, pair=pair, nothing=nothing, made=made)


@router.post("/nothing")
def nothing(a: str | None = Form(None), b: str = Form(""), c: int | None = Form(None)):
    """Empty fields are as if they were not there, for some types."""
    count()
    return echo(a=a, b=b, c=c)


@router.post("/single")
def single(only: Annotated[str, Form(pattern="^[a-z]+$")]):
    count()
    return echo(only=only)


@router.post("/media")
def media(only: Annotated[str, Form(media_type="multipart/form-data")]):
    count()
    return echo(only=only)


async def _of(file: Any) -> Any:
    if file is None or isinstance(file, (bytes, str)):
        return seen(file)
    content = await file.read()
    await file.seek(0)
    again = await file.read(2)
    await file.close()
    headers = sorted(file.headers.items())
    names = [file.filename, file.content_type, file.size, type(file).__name__]
    return {"names": names, "headers": headers, "content": seen(content), "again": seen(again)}


@router.post("/file")
async def file(data: UploadFile, optional: UploadFile | None = None):
    count()
    return {"data": await _of(data), "optional": await _of(optional)}


@router.post("/files")
async def files(
    several: list[UploadFile],
    raw: Annotated[list[bytes], File()] = [],  # noqa: B006
    described: Annotated[UploadFile | None, File(description="A file", alias="the-file")] = None,
):
    count()
    return {
        "several": [await _of(each) for each in several],
        "raw": seen(raw),
        "described": await _of(described),
    }


@router.post("/bytes")
def of_bytes(data: bytes = File(), more: Annotated[bytes | None, File(max_length=3)] = None):
    """A plain function gets the bytes as they are."""
    count()
    return echo(data=data, more=more)


@router.post("/file-plain")
def file_plain(data: UploadFile, note: Annotated[str, Form()] = "none"):
    """A plain function reads from the file below."""
    count()
    return echo(content=data.file.read(), name=data.filename, note=note)


@router.post("/file-other")
async def file_other(data: OtherUploadFile, own: Annotated[OtherUploadFile, File()]):
    count()
    return {"data": await _of(data), "own": await _of(own)}


def _needed(token: Annotated[str, Form()], x_key: Annotated[str, Header()] = "-") -> str:
    count()
    return f"{token} {x_key}"


async def _needed_file(data: Annotated[bytes, File()], token: str = Depends(_needed)) -> list[Any]:
    count()
    return [data, token]


@router.post("/needs")
async def needs(number: Annotated[int, Form()], token: Annotated[str, Depends(_needed)]):
    count()
    return echo(number=number, token=token)


@router.post("/needs-file")
def needs_file(both: Annotated[list, Depends(_needed_file)]):
    count()
    return echo(both=both)


@router.post("/raw")
async def raw(request: Request):
    """Reads the form by itself."""
    count()
    async with request.form(max_fields=3, max_files=1) as form:
        items = form.multi_items()
        shown = [[name, seen(v) if isinstance(v, str) else await _of(v)] for name, v in items]
        return {"items": shown, "keys": list(form), "len": len(form)}


class Kind(str, enum.Enum):
    """An enum."""

    small = "s"


limits = APIRouter(
    prefix="/limits",
    **accepted(APIRouter, form_limits={"max_fields": 2, "max_files": 1, "max_part_size": 20}),
    **accepted(APIRouter, max_body_size=400),
)


@limits.post("/form")
def limited(
    kind: Annotated[Kind, Form()] = Kind.small, a: Annotated[str, Form()] = "", b: str = ""
):
    count()
    return echo(kind=kind, a=a, b=b)


@limits.post("/own", **accepted(limits.post, form_limits={"max_fields": 1}, max_body_size=60))
async def limited_own(data: Annotated[UploadFile | None, File()] = None, a: str = Form("")):
    count()
    return {"data": await _of(data), "a": a}


@limits.post("/body", **accepted(limits.post, max_body_size=12))
async def limited_body(request: Request):
    count()
    return echo(body=await request.body())


@limits.post("/model", **accepted(limits.post, max_body_size=0))
def limited_model(values: dict[str, int] | None = None):
    count()
    return echo(values=values)


@limits.post("/unread", **accepted(limits.post, max_body_size=5))
def limited_unread(a: int = 0):
    """The limit holds for an unread body, or does not."""
    count()
    return echo(a=a)


router.include_router(limits)
