"""Which version of the Engine API is spoken, and how client and engine agree on it."""

import platform
import re
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENGINE_VERSION = "28.5.1"
API_VERSION = "1.51"
OLDEST_API_VERSION = "1.24"

PREFIX = re.compile(r"/v(\d+)\.(\d+)(/.*)")
HEADERS = {
    "api-version": API_VERSION,
    "docker-experimental": "false",
    "ostype": "linux",
    "server": f"Docker/{ENGINE_VERSION} (linux)",
}


def version() -> dict[str, Any]:
    """The body of GET /version."""
    engine = {
        "ApiVersion": API_VERSION, "MinAPIVersion": OLDEST_API_VERSION, "Os": "linux", "Arch": architecture(),
        "KernelVersion": platform.release(),
    }  # fmt: skip
    component = {"Name": "Engine", "Version": ENGINE_VERSION, "Details": engine}
    return {
        "Platform": {"Name": "practice world"}, "Version": ENGINE_VERSION, **engine, "Components": [component],
    }  # fmt: skip


def architecture() -> str:
    """The machine's kind, in Go's words."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Versioned:
    """Takes the version off the path, refuses one that is not spoken, and signs every answer as the engine does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        if scope["type"] != "http":
            return
        asked = PREFIX.fullmatch(scope["path"])
        if asked is None:
            await self._app(scope, receive, signed)
            return
        refusal = _refusal(int(asked[1]), int(asked[2]))
        if refusal is not None:
            await JSONResponse({"message": refusal}, status_code=400)(scope, receive, signed)
            return
        await self._app({**scope, "path": asked[3], "raw_path": asked[3].encode()}, receive, signed)


def _refusal(major: int, minor: int) -> str | None:
    asked = f"client version {major}.{minor}"
    if (major, minor) > _numbers(API_VERSION):
        return f"{asked} is too new. Maximum supported API version is {API_VERSION}"
    if (major, minor) < _numbers(OLDEST_API_VERSION):
        return (
            f"{asked} is too old. Minimum supported API version is {OLDEST_API_VERSION}, "
            "please upgrade your client to a newer version"
        )
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
