"""Every option of a router and of a path operation."""

import pathlib
from collections.abc import Callable
from typing import Annotated, Any

import fastapi.responses
import starlette.convertors
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Mount, Router

from .record import count, echo
from .version import accepted

router = APIRouter(prefix="/routers")


class _Hex(Convertor[int]):
    """Hexadecimal numbers."""

    regex = "[0-9a-f]+"

    def convert(self, value: str) -> int:
        return int(value, 16)

    def to_string(self, value: int) -> str:
        return f"{value:x}"


class _Word(starlette.convertors.StringConvertor):
    """A convertor that is nearly the usual one."""

    def convert(self, value: str) -> str:
        return value.upper()


register_url_convertor("oraclehex", _Hex())
register_url_convertor("oracleword", _Word())


@router.get("/convert/hex/{v:oraclehex}")
async def convert_hex(v: int, request: Request):
    count()
    return {**echo(v=v), "url": str(request.url_for("convert_hex", v=255))}


@router.get("/convert/word/{v:oracleword}")
def convert_word(v: str):
    count()
    return echo(v=v)


@router.get("/convert/both/{a:oraclehex}/{b:oracleword}/{c:path}")
def convert_both(a: Any, b: str, c: str):
    count()
    return echo(a=a, b=b, c=c)


class Item(BaseModel):
    """What is answered."""

    name: str
    ratio: Annotated[float, Field(ge=0.1)] = 0.5
    none: int | None = None
    other_name: str = Field("x", alias="otherName")


def _item(name: str = "é", extra: int = 1) -> Any:
    count()
    return {"name": name, "extra": extra}


async def _late_item(name: str = "é", ratio: float = 0.5) -> Item:
    count()
    return Item(name=name, ratio=ratio)


def _operation(*args: Any, **kwargs: Any) -> str:
    return "-".join(["id", *(str(type(each).__name__) for each in args), *kwargs])


#: Options of a path operation.
OPERATIONS: dict[str, dict[str, Any]] = {
    "model": {"response_model": Item},
    "model-list": {"response_model": list[Item]},
    "model-none": {"response_model": None},
    "status": {"response_model": Item, "status_code": 202},
    "status-enum": {"status_code": fastapi.status.HTTP_203_NON_AUTHORITATIVE_INFORMATION},
    "include": {"response_model": Item, "response_model_include": ["name"]},
    "exclude": {"response_model": Item, "response_model_exclude": {"ratio", "none"}},
    "by-name": {"response_model": Item, "response_model_by_alias": False},
    "unset": {"response_model": Item, "response_model_exclude_unset": True},
    "defaults": {"response_model": Item, "response_model_exclude_defaults": True},
    "none": {"response_model": Item, "response_model_exclude_none": True},
    "words": {"summary": "A", "description": "B", "response_description": "C", "tags": ["t"]},
    "responses": {"responses": {404: {"model": Item}, "5XX": {"description": "Broken"}}},
    "deprecated": {"deprecated": True},
    "operation": {"operation_id": "own_operation", "name": "own name"},
    "unique": {"generate_unique_id_function": _operation},
    "hidden": {"include_in_schema": False},
    "extra": {"openapi_extra": {"x-own": {"a": [1]}, "requestBody": {"content": {}}}},
    "class": {"response_class": PlainTextResponse},
    "class-json": {"response_class": JSONResponse},
    "class-json-model": {"response_class": JSONResponse, "response_model": Item},
    "class-html-model": {"response_class": HTMLResponse, "response_model": str},
    "needs": {"dependencies": [Depends(lambda hint=1: hint)]},
    "needs-none": {"dependencies": []},
}
_callbacks = APIRouter()


@_callbacks.post("{$callback_url}/done")
def _done(item: Item) -> None:
    """Is called elsewhere."""


OPERATIONS["callbacks"] = {"callbacks": _callbacks.routes}
for _name, _options in OPERATIONS.items():
    _methods = {"methods": ["GET", "PATCH"]} if len(_name) % 3 == 0 else {}
    router.add_api_route(f"/operation/{_name}", _item, **_options, **_methods)
    if "class" not in _name:
        router.add_api_route(f"/operation-late/{_name}", _late_item, **_options)


class Upper(JSONResponse):
    """JSON in capital letters."""

    def render(self, content: Any) -> bytes:
        return super().render(content).upper()


class Timed(APIRoute):
    """A route that answers some exceptions itself."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handler = super().get_route_handler()

        async def timed(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                return PlainTextResponse(f"timed {error.detail}", 417)

        return timed


class Quiet(APIRoute):
    """A route that changes nothing."""


async def _missing(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("the router's own", 404)(scope, receive, send)


def _guard(guard: float = 0.5) -> None:
    count()
    if guard > 1.5:
        raise HTTPException(403, "too high")


#: Options of a router.
ROUTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "class": {"default_response_class": Upper},
    "needs": {"dependencies": [Depends(_guard)]},
    "no-slashes": {"redirect_slashes": False},
    "default": {"default": _missing},
    "route-class": {"route_class": Timed},
    "route-class-quiet": {"route_class": Quiet},
    "unique": {"generate_unique_id_function": _operation},
    "words": {"tags": ["a", "b"], "responses": {418: {"description": "Tea"}}, "deprecated": True},
    "hidden": {"include_in_schema": False},
    "callbacks": {"callbacks": _callbacks.routes},
    "overrides": {"dependency_overrides_provider": FastAPI()},
    "body-limit": accepted(APIRouter, max_body_size=5),
    "loose": accepted(APIRouter, strict_content_type=False),
}


def _filled(name: str, **options: Any) -> APIRouter:
    """A router with a few routes."""
    filled = APIRouter(prefix=f"/{name}", **options)
    filled.add_api_route("/item", _item, response_model=Item)
    filled.add_api_route("/slash/", _late_item, methods=["GET", "POST"])

    @filled.get("/fails")
    def fails(status: int = 400):
        count("routers fails")
        raise HTTPException(status, "failed")

    @filled.post("/body")
    async def body(values: dict[str, float]):
        count("routers body")
        return values

    return filled


for _name, _options in ROUTERS.items():
    router.include_router(_filled(_name, **_options))
# Options of the inclusion.
_included = APIRouter(prefix="/included", default_response_class=Upper, deprecated=False)
_included.include_router(
    _filled("inner", default_response_class=PlainTextResponse),
    prefix="/{level}",
    tags=["included"],
    dependencies=[Depends(_guard)],
    default_response_class=HTMLResponse,
    responses={404: {"description": "None"}},
    deprecated=True,
    include_in_schema=False,
    callbacks=_callbacks.routes,
    generate_unique_id_function=_operation,
    **accepted(APIRouter.include_router, max_body_size=100),
)
_included.include_router(_filled("twice"))
_included.include_router(_filled("twice"), prefix="/again")
router.include_router(_included)

# Each method by its own decorator.
methods = APIRouter(prefix="/methods")
for _method in ("get", "put", "post", "delete", "options", "head", "patch", "trace"):
    getattr(methods, _method)("/each")(_item)
    getattr(methods, _method)(f"/only-{_method}", response_model=Item)(_late_item)
for _several in (["GET", "HEAD"], ["POST", "PUT", "DELETE"], ["TRACE", "OPTIONS"], ["own", "GET"]):
    methods.api_route(f"/several-{'-'.join(_several).lower()}", methods=_several)(_late_item)
    methods.api_route(f"/several-body-{'-'.join(_several).lower()}", methods=_several)(
        lambda item: echo(item=item)
    )
methods.api_route("/set", methods={"GET", "POST"})(_item)  # type: ignore[arg-type]
router.include_router(methods)

# Applications and files under a router; which of these are served differs from version to version.
_HERE = pathlib.Path(__file__).parent
mounts = APIRouter(prefix="/mounts")
mounts.mount("/static", StaticFiles(directory=_HERE))
mounts.mount("/html", StaticFiles(directory=_HERE, html=True, check_dir=False))
mounts.mount("/application", FastAPI(openapi_url=None))
mounts.routes.append(Mount("/router", Router([Mount("/static", StaticFiles(directory=_HERE))])))
if hasattr(mounts, "frontend"):
    mounts.frontend("/front", directory=_HERE, fallback=None)
    mounts.frontend("/front/deep", directory=_HERE, fallback=None, check_dir=False)
    mounts.add_api_route("/front/version.py", _item)
router.include_router(mounts)

#: Served, but not by an `APIRoute`.
PLAIN = [
    f"/routers/mounts/{path}"
    for path in (
        "static/manifest.json", "static/", "static/none", "static/../table.py", "html/", "html",
        "application/", "router/static/manifest.json", "front", "front/", "front/manifest.json",
        "front/none", "front/deep/manifest.json", "front/version.py", "front/a/b",
    )
]  # fmt: skip
