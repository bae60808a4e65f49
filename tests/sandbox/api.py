"""Requests to a sandbox without a socket, as a raw HTTP client would send them."""

import json
from datetime import UTC, datetime
from typing import Any

import attrs

from moregood_async import Request, Response
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY

HOST = "http://sandbox.test"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
"""The time at which the clock of most sandboxes in these tests stands."""

ADA = {"first_name": "Ada", "email": "ada@example.com", "phone": "+1 415 555 0100"}
JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def build_request(
    method: str,
    path: str,
    body: object = None,
    *,
    key: str | None = KEY,
    headers: dict[str, str] | None = None,
) -> Request:
    """Return a request. A body other than bytes becomes JSON; an empty header is left out."""
    authorization = {} if key is None else {"Authorization": f"Bearer {key}"}
    all_headers = {**JSON, **authorization, **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Request(
        method=method,
        url=f"{HOST}{path}" if path.startswith("/_") else f"{HOST}/beacon{path}",
        headers=Headers({name: value for name, value in all_headers.items() if value}),
        body=body,
    )


@attrs.frozen
class Api:
    """A sandbox and the key for requests to it."""

    sandbox: Sandbox
    key: str | None = KEY

    async def send(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Return the response, whatever its status."""
        return await self.sandbox(build_request(method, path, body, key=self.key, headers=headers))

    async def status(self, method: str, path: str, body: object = None) -> int:
        """Return the status of the response."""
        return (await self.send(method, path, body)).status

    async def statuses(self, count: int, path: str = "/customers") -> list[int]:
        """Return the statuses of equal GET requests, one after the other."""
        return [await self.status("GET", path) for _ in range(count)]

    async def get(self, path: str) -> Any:
        """Return the JSON of a response that must be a 200."""
        response = await self.send("GET", path)
        assert response.status == 200, response.body
        return response.json()

    async def list(self, path: str) -> Any:
        """Return the ``data`` of a list."""
        return (await self.get(path))["data"]

    async def post(self, path: str, **fields: object) -> Any:
        """Return the ``data`` of a POST that must be a 200."""
        return await self._write("POST", path, fields)

    async def put(self, path: str, **fields: object) -> Any:
        """Return the ``data`` of a PUT that must be a 200."""
        return await self._write("PUT", path, fields)

    async def _write(self, method: str, path: str, fields: dict[str, object]) -> Any:
        response = await self.send(method, path, fields)
        assert response.status == 200, response.body
        return response.json()["data"]

    async def errors(self, path: str, method: str = "POST", **fields: object) -> dict[str, Any]:
        """Return the sentences by field of a response that must be a 422."""
        response = await self.send(method, path, fields)
        assert response.status == 422, response.body
        errors: dict[str, Any] = response.json()["errors"]
        return errors

    async def upsert_ada(self, **changes: object) -> Any:
        """Upsert Ada, with changes to her usual fields."""
        return await self.post("/customers", **{**ADA, **changes})

    async def upsert_numbered(self, count: int) -> None:
        """Upsert customers with the emails ``0@example.com``, ``1@example.com`` and so on."""
        for number in range(count):
            await self.upsert_ada(email=f"{number}@example.com", phone=None)

    async def ask_ada(self, **fields: object) -> Any:
        """Upsert Ada and ask her, by default by email and at once."""
        await self.upsert_ada()
        body: dict[str, object] = {"email": "ada@example.com", "channels": ["email"], **fields}
        return await self.post("/asks", **body)

    async def messages(self) -> Any:
        """Return the project's messages, the oldest first."""
        return (await self.list("/messages"))[::-1]
