"""Routes that are in each other's way, convertors, slashes, mounts."""

import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from .record import count, echo

router = APIRouter()
order = APIRouter(prefix="/order")
convert = APIRouter(prefix="/convert")
slashes = APIRouter(prefix="/slashes")


def _named(name: str) -> Callable[..., Any]:
    """A handler that takes the whole request and returns its own name."""

    async def handler(request: Request):
        count(f"paths {name}")
        return {"handler": name, **echo(params=dict(request.path_params))}

    return handler


def _simple(name: str, *parameters: str, kind: Any = str) -> Callable[..., Any]:
    """A handler with parameters only, which returns its own name."""

    def handler(**values: Any) -> dict[str, Any]:
        count(f"paths {name}")
        return {"handler": name, **echo(**values)}

    # What FastAPI sees: the parameters, by name.
    code = f"def handler({', '.join(f'{p}: kind' for p in parameters)}):\n"
    code += f"    return inner({', '.join(f'{p}={p}' for p in parameters)})\n"
    scope: dict[str, Any] = {"inner": handler, "kind": kind}
    exec(code, scope)
    scope["handler"].__name__ = "".join(c if c.isalnum() else "_" for c in name)
    return scope["handler"]


def _route(target: APIRouter, path: str, *methods: str, kind: Any = str, name: str = "") -> None:
    parameters = [piece.partition("}")[0].partition(":")[0] for piece in path.split("{")[1:]]
    handler = _simple(name or f"{'/'.join(methods)} {path}", *parameters, kind=kind)
    target.add_api_route(path, handler, methods=list(methods) or ["GET"])


# The first that fits wins, also if it then refuses the value.
_route(order, "/a/{x}", kind=int)
_route(order, "/a/fixed")
_route(order, "/b/fixed")
_route(order, "/b/{x}", kind=int)
_route(order, "/twice", name="first")
_route(order, "/twice", name="second")
# A route for another method only is remembered for 405, if nothing else fits.
_route(order, "/method", "GET")
_route(order, "/method", "POST")
_route(order, "/method", "DELETE", "PUT")
_route(order, "/partial/{x}", "POST")
_route(order, "/partial/fixed", "GET")
_route(order, "/partial/{x:path}", "DELETE")
_route(order, "/head", "HEAD")
_route(order, "/options", "OPTIONS", "GET")
_route(order, "/trace", "TRACE", "PATCH", "QUERY")
_route(order, "/any/{rest:path}", "GET")
_route(order, "/any/{x}/sub", "GET", "POST")
# Several parameters in one segment.
_route(order, "/seg/{a}-{b}")
_route(order, "/seg/{a}.{b}")
_route(order, "/seg/pre{x}post")
_route(order, "/seg/{a}{b}")
_route(order, "/seg/{a:int}x{b:int}", kind=int)
_route(order, "/two/{a}/{b}")
_route(order, "/two/{a:path}/{b}")
_route(order, "/end/{a:path}/end")
_route(order, "/end/{a}/{b:path}")
# Characters that mean something in regular expressions and URLs.
_route(order, "/special/a.b")
_route(order, "/special/a+b")
_route(order, "/special/(x)|[y]*^$")
_route(order, "/special/a b")
_route(order, "/special/ü")
_route(order, "/special/a%2Fb")
_route(order, "/special/a~b:c;d@e,f=g&h!")
_route(order, "/special/UPPER")
_route(order, "/special//double")
_route(order, "/special/./dot")

for _convertor in ("str", "int", "float", "path", "uuid"):
    _route(convert, f"/plain/{_convertor}/{{v:{_convertor}}}", name=_convertor)
    convert.add_api_route(f"/request/{_convertor}/{{v:{_convertor}}}", _named(_convertor))
    _route(convert, f"/tail/{_convertor}/{{v:{_convertor}}}/tail", name=_convertor, kind=Any)
_route(convert, "/typed/int/{v:int}", kind=int)
_route(convert, "/typed/int-as-float/{v:int}", kind=float)
_route(convert, "/typed/float/{v:float}", kind=float)
_route(convert, "/typed/float-as-int/{v:float}", kind=int)
_route(convert, "/typed/uuid/{v:uuid}", kind=uuid.UUID)
_route(convert, "/typed/uuid-as-str/{v:uuid}", kind=str)
_route(convert, "/typed/path/{v:path}", kind=int)
_route(convert, "/chain/{v:int}", kind=int, name="int")
_route(convert, "/chain/{v:float}", kind=float, name="float")
_route(convert, "/chain/{v:uuid}", kind=uuid.UUID, name="uuid")
_route(convert, "/chain/{v}", name="str")
_route(convert, "/chain/{v:path}", name="path")

_route(slashes, "/without", "GET", "POST")
_route(slashes, "/with/", "GET", "POST")
_route(slashes, "/both", name="without")
_route(slashes, "/both/", name="with")
_route(slashes, "/param/{x}", kind=int)
_route(slashes, "/param-with/{x}/")
_route(slashes, "/path/{x:path}/")
_route(slashes, "", name="prefix alone")
_route(slashes, "/", "POST", name="prefix with slash")


class OwnRoute(APIRoute):
    """A route class that changes answers and sees requests first."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wraps FastAPI's own."""
        handler = super().get_route_handler()

        async def own(request: Request) -> Response:
            if request.query_params.get("stop"):
                return PlainTextResponse("stopped", status_code=420)
            response = await handler(request)
            response.headers["x-own-route"] = "1"
            return response

        return own


own = APIRouter(prefix="/own", route_class=OwnRoute)
_route(own, "/plain")
_route(own, "/{x}", kind=int)

plain = APIRouter(prefix="/plain")
sub = FastAPI()


@sub.get("/sub/{x}")
def of_sub(x: int, request: Request):
    count()
    return {**echo(x=x), "root": request.scope["root_path"], "url": str(request.url)}


@sub.get("/")
def of_sub_root():
    count()
    return "sub"


@sub.get("/fail")
def of_sub_fail():
    count()
    raise ValueError("in a mounted application")


async def _starlette(request: Request) -> JSONResponse:
    return JSONResponse({"params": request.path_params, "method": request.method})


class Endpoint(HTTPEndpoint):
    """A class-based endpoint of Starlette."""

    async def get(self, request: Request) -> Response:
        """Answers."""
        return PlainTextResponse("got")


starlette = Starlette(routes=[Route("/", _starlette), Route("/x/{n:int}", _starlette)])
plain.routes.append(Route("/oracle/plain/never", _starlette))
plain.add_route("/route/{n:int}", _starlette, methods=["GET", "POST"])
plain.add_route("/route", _starlette)
plain.add_route("/endpoint", Endpoint)
plain.add_route("/hidden", _starlette, include_in_schema=False)

#: Served, but not by an `APIRoute`; what a fuzzer makes of them reaches the mounts as well.
PLAIN = [
    "/plain/route",
    "/plain/route/5",
    "/plain/endpoint",
    "/plain/hidden",
    "/plain/never",
    "/mount/",
    "/mount/sub/5",
    "/mount/sub/x",
    "/mount/sub",
    "/mount/fail",
    "/mount",
    "/starlette",
    "/starlette/x/5",
    "/nested/deep/5",
    "/nowhere",
]

for _part in (order, convert, slashes, own, plain):
    router.include_router(_part)

# A prefix with a parameter, and routers in routers.
tenant = APIRouter(prefix="/tenant/{tenant}")
deep = APIRouter(prefix="/deep")
_route(deep, "/{x}")
_route(tenant, "/info")
tenant.include_router(deep, prefix="/nested")
router.include_router(tenant)

# The plugin's own root.
router.add_api_route("/", _simple("root with slash"))
root = _simple("root")

# Which of these an `include_router` takes over differs from version to version.
router.routes += [Mount("/mount", sub), Mount("/starlette", starlette)]
