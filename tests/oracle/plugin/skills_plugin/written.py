"""Answers that another package writes: templates, orjson, ujson; and every option of a file."""

import pathlib
import warnings
from typing import Any

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    ORJSONResponse,
    UJSONResponse,
)
from fastapi.templating import Jinja2Templates
from starlette.background import BackgroundTask

from .record import count, echo
from .results import Item
from .version import accepted

router = APIRouter(prefix="/written")

_VALUES: dict[str, Any] = {
    "dict": {"é": [1, 1.5, None, True], "a/b": "<&>\u2028"},
    "nan": {"v": float("nan")},
    "int-key": {1: 2},
    "huge-int": 2**64,
    "surrogate": "\ud800",
    "none": None,
    "item": Item(name="é"),
}
_CLASSES: dict[str, type[JSONResponse]] = {"orjson": ORJSONResponse, "ujson": UJSONResponse}


def _given(name: str, made: type[JSONResponse] | None) -> Any:
    def handler():
        count(f"written {name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made(_VALUES[name]) if made else _VALUES[name]

    return handler


for _kind, _class in _CLASSES.items():
    for _name in _VALUES:
        router.add_api_route(f"/{_kind}/{_name}", _given(_name, None), response_class=_class)
    router.add_api_route(f"/{_kind}-returned/dict", _given("dict", _class))
    router.add_api_route(
        f"/{_kind}-model/item", _given("item", None), response_class=_class, response_model=Item
    )

_TEMPLATES = {
    "page.html": "<h1>{{ name }}</h1>{{ url_for('page', name='ü') }} {{ extra }}",
    "broken.html": "{{ nothing.at.all }}",
}


def _extra(request: Request) -> dict[str, Any]:
    return {"extra": request.method}


templates = Jinja2Templates(
    env=jinja2.Environment(loader=jinja2.DictLoader(_TEMPLATES), autoescape=True),
    context_processors=[_extra],
)


@router.get("/page/{name}", response_class=HTMLResponse)
async def page(name: str, request: Request, template: str = "page.html", status: int = 200):
    count()
    return templates.TemplateResponse(
        request, template, {"name": name}, status, headers={"x-page": "1"}
    )


_FILE = pathlib.Path(__file__).with_name("record.py")
#: Options of a file.
_FILES: dict[str, dict[str, Any]] = {
    "plain": {},
    "text-path": {"path": str(_FILE)},
    "named": {"filename": 'a "b".py'},
    "inline": {"filename": "ü.py", "content_disposition_type": "inline"},
    "headers": {"headers": {"x-own": "1", "etag": '"own"'}},
    "status": {"status_code": 203},
    "media": {"media_type": "application/x-own"},
    "stat": {"stat_result": _FILE.stat()},
    "method": accepted(FileResponse, method="HEAD"),
    "folder": {"path": _FILE.parent},
    "task": {"background": BackgroundTask(count, "written task")},
}


def _file(name: str) -> Any:
    async def handler() -> Response:
        count(f"written file {name}")
        return FileResponse(**{"path": _FILE, **_FILES[name]})

    return handler


for _name in _FILES:
    router.add_api_route(f"/file/{_name}", _file(_name), methods=["GET", "HEAD"])


@router.get("/file-of-path", response_class=FileResponse)
def file_of_path(name: str = "record.py"):
    """A path is what the class makes its answer of."""
    count()
    return _FILE.with_name(pathlib.PurePath(name).name or "none")


@router.get("/ranges")
def ranges(request: Request):
    """The head of what asked for a part of a file."""
    count()
    return echo(range=request.headers.get("range"), since=request.headers.get("if-range"))
