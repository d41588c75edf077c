"""Applications under a router: FastAPI with all its options, Starlette, WSGI, middleware, files.

Which of them an `include_router` takes over differs from version to version of FastAPI.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from .record import count, echo
from .version import accepted

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.middleware.wsgi import WSGIMiddleware


class Broken(Exception):
    """Has a handler in the application."""


async def _broken(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"broken": str(error)}, 418)


async def _missing(_: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse("the application's own", 404)


async def _invalid(request: Request, error: Exception) -> Any:
    assert isinstance(error, RequestValidationError)
    answer = await request_validation_exception_handler(request, error)
    answer.headers["x-invalid"] = str(len(error.errors()))
    return answer


def _needed(x_word: Annotated[str, Header()] = "none") -> str:
    count()
    return x_word


def _replaced(x_other: Annotated[str, Header()] = "other") -> str:
    count()
    return x_other


def _own() -> FastAPI:
    """An application with every option that shows in its answers."""
    own = FastAPI(
        title="Own",
        summary="A summary",
        description="An *application*",
        version="3",
        openapi_tags=[{"name": "t", "description": "A tag"}],
        servers=[{"url": "/elsewhere"}],
        contact={"name": "c"},
        license_info={"name": "MIT"},
        terms_of_service="http://h/terms",
        root_path="/rooted",
        redirect_slashes=False,
        docs_url="/own-docs",
        redoc_url=None,
        openapi_url="/own.json",
        swagger_ui_parameters={"deepLinking": False},
        responses={404: {"description": "None"}},
        dependencies=[Depends(_needed)],
        exception_handlers={Broken: _broken, 404: _missing, RequestValidationError: _invalid},
        separate_input_output_schemas=False,
        **accepted(FastAPI, strict_content_type=False, max_body_size=50),
    )
    own.dependency_overrides[_needed] = _replaced

    @own.middleware("http")
    async def mark(request: Request, call_next: Callable[..., Any]) -> Any:
        response = await call_next(request)
        response.headers["x-marked"] = request.method
        return response

    @own.get("/item/{item}", tags=["t"])
    def item(item: int, word: Annotated[str, Depends(_needed)]):
        count()
        return echo(item=item, word=word)

    @own.post("/body")
    async def body(values: dict[str, int]):
        count()
        return values

    @own.get("/broken")
    async def broken(status: int = 0):
        count()
        if status:
            raise HTTPException(status, "failed")
        raise Broken("by hand")

    return own


async def _long(request: Request) -> PlainTextResponse:
    return PlainTextResponse("a" * 2000 + request.url.path)


def _wsgi(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """A WSGI application."""
    start("200 OK", [("content-type", "text/plain"), ("x-wsgi", environ["REQUEST_METHOD"])])
    names = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_X_WORD", "CONTENT_TYPE")
    yield repr([environ.get(name) for name in names]).encode()
    yield environ["wsgi.input"].read()


_ROUTES = [Route("/", _long), Route("/long", _long, methods=["GET", "POST"])]
_MIDDLEWARE: dict[str, Middleware] = {
    "gzip": Middleware(GZipMiddleware, minimum_size=100, compresslevel=1),
    "cors": Middleware(
        CORSMiddleware,
        allow_origins=["http://localhost"],
        allow_methods=["GET"],
        allow_headers=["x-word"],
        allow_credentials=True,
        expose_headers=["x-own"],
    ),
    "https": Middleware(HTTPSRedirectMiddleware),
    "hosts": Middleware(TrustedHostMiddleware, allowed_hosts=["*.localhost"]),
}

router = APIRouter(prefix="/applications")
mounts = [
    Mount("/own", _own()),
    Mount("/default", FastAPI()),
    Mount("/wsgi", WSGIMiddleware(_wsgi)),
    *(
        Mount(f"/{name}", routes=_ROUTES, middleware=[middleware])
        for name, middleware in _MIDDLEWARE.items()
    ),
]
router.routes += [Mount(f"/applications{mount.path}", mount.app) for mount in mounts]

_PAGES: dict[str, Callable[[], HTMLResponse]] = {
    "swagger": lambda: get_swagger_ui_html(openapi_url="/x.json", title="<t>"),
    "redoc": lambda: get_redoc_html(openapi_url="/x.json", title="t", with_google_fonts=False),
    "redirect": get_swagger_ui_oauth2_redirect_html,
}
for _name, _page in _PAGES.items():
    router.add_api_route(f"/page/{_name}", _page, include_in_schema=False)

#: Served, but not by an `APIRoute`.
PLAIN = [
    f"/applications/{path}"
    for path in (
        "own", "own/item/5", "own/item/x", "own/body", "own/broken", "own/none", "own/own.json",
        "own/own-docs", "own/redoc", "own/item/5/", "default/docs", "default/openapi.json",
        "default/", "wsgi/", "wsgi/a%20b", "wsgi", "gzip/long", "gzip/", "cors/long", "https/long",
        "hosts/long",
    )
]  # fmt: skip
