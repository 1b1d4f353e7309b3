"""/api/v1/sessions: staff sign in against a bearer token, and out again."""

from typing import Annotated, Any

from litestar import Request, Router, delete, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct

from api.fields import OneTimeCode, Password, Username
from api.guards import WithRuntime, bearer, staff
from staff.signin import TOKEN_LIFETIME, sign_in, sign_out


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Username, password, and the authenticator's code of now."""

    username: Username
    password: Password
    code: OneTimeCode

    def __repr__(self) -> str:
        return "SignInBody(hidden)"


class SignedIn(Struct, frozen=True):
    """A bearer token, shown once, and for how many seconds it is good."""

    token: str
    expires_in_s: int


@post(
    "/",
    sync_to_thread=True,
    summary="Sign in",
    operation_id="signIn",
)
def open_session(
    data: Annotated[
        SignInBody,
        Body(
            examples=[
                Example(
                    value={
                        "username": "li.wei",
                        "password": "correct horse battery",
                        "code": "123456",
                    }
                )
            ]
        ),
    ],
    request: Request[Any, Any, Any],
    runtime: WithRuntime,
) -> SignedIn:
    """Return a bearer token. Each code works once; too many tries have to wait."""
    token = sign_in(
        runtime.db,
        runtime.keys.get(),
        data.username,
        data.password,
        data.code,
        limits=runtime.limits,
        address=request.client.host if request.client else None,
    )
    return SignedIn(token, int(TOKEN_LIFETIME.total_seconds()))


@delete(
    "/",
    guards=[staff()],
    sync_to_thread=True,
    summary="Sign out",
    operation_id="signOut",
)
def close_session(request: Request[Any, Any, Any], runtime: WithRuntime) -> None:
    """End the sign-in of the token this request carries."""
    token = bearer(request)
    runtime.db.transact(lambda session: sign_out(session, token))


router = Router("/sessions", route_handlers=[open_session, close_session], tags=["sessions"])
