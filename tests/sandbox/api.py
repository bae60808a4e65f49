"""Requests to a sandbox without a socket, as a client of the wire would write them."""

import json
from typing import Any

import attrs

from moregood_async import Request, Response
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY

HOST = "http://sandbox.test"
ADA = {"first_name": "Ada", "email": "ada@example.com", "phone": "+1 415 555 0100"}
JSON = {"Accept": "application/json", "Content-Type": "application/json"}


def request(
    method: str,
    path: str,
    body: object = None,
    *,
    key: str | None = KEY,
    headers: dict[str, str] | None = None,
) -> Request:
    """A request; a body that is no bytes is sent as JSON, and a header of "" is not sent."""
    authorization = {} if key is None else {"Authorization": f"Bearer {key}"}
    sent = {**JSON, **authorization, **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Request(
        method=method,
        url=f"{HOST}{path}" if path.startswith("/_") else f"{HOST}/beacon{path}",
        headers=Headers({name: value for name, value in sent.items() if value}),
        body=body,
    )


@attrs.frozen
class Api:
    """A sandbox, spoken to with one key."""

    sandbox: Sandbox
    key: str | None = KEY

    async def send(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Response:
        """The answer, whatever it is."""
        return await self.sandbox(request(method, path, body, key=self.key, headers=headers))

    async def get(self, path: str) -> Any:
        """The whole JSON of an answer that has to be a 200."""
        response = await self.send("GET", path)
        assert response.status == 200, response.body
        return response.json()

    async def listed(self, path: str) -> Any:
        """The ``data`` of a list."""
        return (await self.get(path))["data"]

    async def post(self, path: str, **fields: object) -> Any:
        """The ``data`` of a POST that has to be a 200."""
        return await self._written("POST", path, fields)

    async def put(self, path: str, **fields: object) -> Any:
        """The ``data`` of a PUT that has to be a 200."""
        return await self._written("PUT", path, fields)

    async def _written(self, method: str, path: str, fields: dict[str, object]) -> Any:
        response = await self.send(method, path, fields)
        assert response.status == 200, response.body
        return response.json()["data"]

    async def refused(self, path: str, method: str = "POST", **fields: object) -> dict[str, Any]:
        """The sentences by field of a 422."""
        response = await self.send(method, path, fields)
        assert response.status == 422, response.body
        errors: dict[str, Any] = response.json()["errors"]
        return errors

    async def customer(self, **changed: object) -> Any:
        """Ada, or somebody a little different."""
        return await self.post("/customers", **{**ADA, **changed})
