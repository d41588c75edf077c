"""Every security scheme, with all options, and scopes."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Security
from fastapi.openapi.models import OAuthFlowImplicit, OAuthFlows
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OpenIdConnect,
    SecurityScopes,
)
from fastapi.security.http import HTTPBase
from fastapi.security.utils import get_authorization_scheme_param

from .record import count, echo
from .version import accepted

router = APIRouter(prefix="/secured")

_SCOPES = {"read": "Reads", "write": "Writes"}
_FLOWS = OAuthFlows(implicit=OAuthFlowImplicit(authorizationUrl="/authorize", scopes=_SCOPES))
_NAMED: dict[str, Any] = {"scheme_name": "Own", "description": "A scheme"}
#: How each is made; `auto_error` is added.
_SCHEMES: dict[str, Callable[..., Any]] = {
    "query": lambda **o: APIKeyQuery(name="api key", **_NAMED, **o),
    "header": lambda **o: APIKeyHeader(name="X-Key", **_NAMED, **o),
    "cookie": lambda **o: APIKeyCookie(name="key", **_NAMED, **o),
    "base": lambda **o: HTTPBase(scheme="own", **_NAMED, **o),
    "basic": lambda **o: HTTPBasic(realm='a "realm"', **_NAMED, **o),
    "bearer": lambda **o: HTTPBearer(bearerFormat="JWT", **_NAMED, **o),
    "digest": lambda **o: HTTPDigest(**_NAMED, **o),
    "oauth": lambda **o: OAuth2(flows=_FLOWS, **_NAMED, **o),
    "password": lambda **o: OAuth2PasswordBearer(
        tokenUrl="token", scopes=_SCOPES, **accepted(OAuth2PasswordBearer, refreshUrl="/r"), **o
    ),
    "code": lambda **o: OAuth2AuthorizationCodeBearer(
        authorizationUrl="/a", tokenUrl="/t", refreshUrl="/r", scopes=_SCOPES, **o
    ),
    "connect": lambda **o: OpenIdConnect(openIdConnectUrl="/openid", **_NAMED, **o),
}


def _handler(scheme: Any, late: bool) -> Callable[..., Any]:
    def plain(secret=Security(scheme), own: int = 0):  # noqa: B008
        count("secured plain")
        return echo(secret=secret, own=own)

    async def coroutine(secret=Depends(scheme)):  # noqa: B008
        count("secured coroutine")
        return echo(secret=secret)

    return coroutine if late else plain


for _number, (_name, _make) in enumerate(_SCHEMES.items()):
    router.add_api_route(f"/strict/{_name}", _handler(_make(), late=_number % 2 == 0))
    _optional = _make(auto_error=False)
    router.add_api_route(f"/optional/{_name}", _handler(_optional, late=_number % 2 == 1))

_basic, _bearer = HTTPBasic(auto_error=False), HTTPBearer(auto_error=False)
_password = OAuth2PasswordBearer(tokenUrl="token", auto_error=False, scopes=_SCOPES)


@router.get("/credentials")
def credentials(
    basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    request: Request,
):
    """Several at once."""
    count()
    header = request.headers.get("authorization")
    return echo(basic=basic, bearer=bearer, parts=get_authorization_scheme_param(header))


def _user(
    scopes: SecurityScopes,
    token: Annotated[str | None, Depends(_password)],
    level: Annotated[float, Query(ge=0.5)] = 1.5,
) -> dict[str, Any]:
    count()
    if token == "no":
        challenge = {"WWW-Authenticate": f'Bearer scope="{scopes.scope_str}"'}
        raise HTTPException(401, "not you", headers=challenge)
    return {"token": token, "scopes": scopes.scopes, "text": scopes.scope_str, "level": level}


def _active(user: Annotated[dict, Security(_user, scopes=["me", "read"])]) -> dict[str, Any]:
    count()
    return {**user, "active": True}


def _plain() -> int:
    count()
    return 1


@router.get("/scopes")
async def scopes(
    user: Annotated[dict, Security(_active, scopes=["items", "me"])],
    again: Annotated[dict, Security(_user, scopes=["other"])],
    none: Annotated[dict, Depends(_user)],
    fresh: Annotated[dict, Security(_user, scopes=["other"], use_cache=False)],
    same: Annotated[dict, Security(_user, scopes=("other",))],
):
    """Scopes add up on the way down, and separate results of one dependency."""
    count()
    shown = {"user": user, "again": again, "none": none, "fresh": fresh}
    return {**shown, "same": same is again, "other": fresh is again}


@router.get("/scopes-unused")
def scopes_unused(
    a: Annotated[int, Security(_plain, scopes=["a"])],
    b: Annotated[int, Security(_plain, scopes=["b"])],
    c: Annotated[int, Depends(_plain)],
):
    """Scopes that no dependency asks for; how often it runs is counted."""
    count()
    return [a, b, c]


guarded = APIRouter(prefix="/guarded", dependencies=[Security(_user, scopes=["router"])])


@guarded.get("/route", dependencies=[Security(_user, scopes=["route"])])
def guarded_route(user: Annotated[dict, Security(_user, scopes=["own"])], own: float = 0.5):
    count()
    return {"user": user, "own": own}


@guarded.get("/bare")
def guarded_bare(scopes: SecurityScopes):
    """The handler's own scopes."""
    count()
    return scopes.scopes


router.include_router(guarded, dependencies=[Security(_active, scopes=["include"])])

_Form = Annotated[OAuth2PasswordRequestForm, Depends()]
_StrictForm = Annotated[OAuth2PasswordRequestFormStrict, Depends()]


@router.post("/token")
async def token(form: _Form):
    count()
    return echo(**vars(form))


@router.post("/token-strict")
def token_strict(form: _StrictForm):
    count()
    return echo(**vars(form))
