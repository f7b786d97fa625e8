"""What a service shows to the outside while it does not run: its health, and its refusal of events not Stripe's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from practice.faults.fault import HEALTHY, Face
from practice.traffic.history import WEBHOOK

HEALTH = "/api/health"
SHOP = "/shop"


def together(faces: Iterable[Face]) -> Face:
    """What is left of health when several faults hold: of each answer the first that is not the healthy one."""
    known = list(faces)

    def worst(name: str) -> int:
        usual: int = getattr(HEALTHY, name)
        return next((told for face in known if (told := getattr(face, name)) != usual), usual)

    return Face(worst("health"), worst("unsigned"), worst("wrongly_signed"))


def app(face: Face, page: Callable[[], str]) -> Starlette:
    """Two routes that answer with the status codes of `face`; 0 closes the socket without a word. And the web part's
    page, which is served beside them."""

    def answer(request: Request, status: int, good: str, bad: str) -> Response:
        if status == 0:
            request.state.transport.abort()
            return Response(status_code=499)
        return JSONResponse({"status": good} if status < 300 else {"error": bad}, status)

    async def health(request: Request) -> Response:
        return answer(request, face.health, "ok", "degraded")

    async def webhook(request: Request) -> Response:
        await request.body()
        status = face.wrongly_signed if "stripe-signature" in request.headers else face.unsigned
        return answer(request, status, "received", "Webhook signature verification failed")

    async def shop(request: Request) -> Response:
        return HTMLResponse(page())

    return Starlette(routes=[Route(HEALTH, health), Route(WEBHOOK, webhook, methods=["POST"]), Route(SHOP, shop)])
