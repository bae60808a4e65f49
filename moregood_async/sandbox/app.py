"""The sandbox as a handler and as a server.

A request passes these steps: the request counter, the fault chain, the checks of route, method and
key, the throttles, and the endpoint, which checks the model in the path and the body. The order of
the checks is Laravel's [L]. Throttles among the faults are checked with the others, after the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from moregood_async.errors import ConnectionLost
from moregood_async.sandbox import control, laravel
from moregood_async.sandbox.endpoints import ENDPOINTS
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.fault_chain import Chainable
from moregood_async.sandbox.faults import TruncatedBody
from moregood_async.sandbox.inputs import read_fields, read_query
from moregood_async.sandbox.laravel import HttpError
from moregood_async.sandbox.projects import UNKNOWN_PROJECT
from moregood_async.sandbox.routes import Route, find_route
from moregood_async.sandbox.server import Server, ThreadedServer
from moregood_async.sandbox.state import SandboxState
from moregood_async.sandbox.throttle import Throttle
from moregood_async.wire import Middleware, Request, Response


class Sandbox(SandboxState):
    """A stateful Beacon API for tests and trials.

    Without a socket, a sandbox is a transport:
    ``MoreGoodClient("test-key", transport=Sandbox())``. See `serve` and `serve_in_thread` for a
    server.

    >>> with Sandbox() as sandbox, sandbox.serve_in_thread() as server:
    ...     print(server.base_url, sandbox.audit().customers)
    http://127.0.0.1:.../beacon 0

    Args:
        keys: Each key has a project of its own, with its own customers and locations.
        db: The file of the database, which keeps only a hash of each key; None keeps the database
            in memory. One sandbox at a time uses a file.
        faults: The faults to install. The attribute `faults` replaces them at any time.
        throttle: A rate limit for each key, which stays when `faults` change.
        seed: The seed of the uuids, so that two runs have the same ones.
        now: The time at which the clock starts, with a time zone; None for the real time.
    """

    def __init__(
        self,
        *,
        keys: str | Sequence[str] = ("test-key",),
        db: str | Path | None = None,
        faults: Chainable | Iterable[Middleware] = (),
        throttle: Throttle | None = None,
        seed: int = 0,
        now: datetime | None = None,
    ) -> None:
        super().__init__((keys,) if isinstance(keys, str) else keys, db, seed, now)
        self._throttle = throttle.fresh_copy() if throttle else None
        self.faults = faults

    async def __call__(self, request: Request) -> Response:
        """Handle a request without a socket, as a `Handler`.

        Raises:
            ConnectionLost: A fault dropped the connection or cut the response short.
        """
        try:
            response = await self._handle(request)
        except TruncatedBody as error:
            raise ConnectionLost(
                error.problem, phase=error.phase, seconds=error.seconds, sent=True
            ) from None
        response = self._with_date(response)
        return attrs.evolve(response, body=b"") if request.method == "HEAD" else response

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Server:
        """Return a server for the running loop, to enter with ``async with``.

        Port 0 selects a free port.
        """
        return Server(self._handle_on_socket, host, port)

    def serve_in_thread(self, host: str = "127.0.0.1", port: int = 0) -> ThreadedServer:
        """Return a server with a thread and a loop of its own, to enter with ``with``."""
        return ThreadedServer(Server(self._handle_on_socket, host, port))

    async def _handle_on_socket(self, request: Request) -> Response:
        response = await self._handle(request)
        # aiohttp adds the machine's time as Date, which is right unless the clock was moved.
        return self._with_date(response) if self._clock.is_shifted else response

    def _with_date(self, response: Response) -> Response:
        return laravel.with_headers(response, {"Date": formatdate(self._clock.now(), usegmt=True)})

    async def _handle(self, request: Request) -> Response:
        if control.is_control_request(request):
            return control.handle_control_request(self, request)
        route = find_route(request.url)
        project = self._project_of(request)
        operation = route.operation_for(request.method)
        self._request_counter.count_arrival(project, operation)
        if self._fault_chain:
            # Faults select requests by operation; a raw client on the socket does not name it.
            named = attrs.evolve(request, operation=operation)
            response = await self._fault_chain.wrap(self._handle_behind_faults)(named)
        else:
            response = self._check_route_and_key(request, route, project)
        if response.status == 429:
            self._request_counter.count_throttled(project)
        return response

    async def _handle_behind_faults(self, request: Request) -> Response:
        # A middleware in the chain may have changed the URL or the key.
        return self._check_route_and_key(
            request, find_route(request.url), self._project_of(request)
        )

    def _project_of(self, request: Request) -> int:
        return self._projects.authenticate(request.headers.get("authorization", ""))

    def _check_route_and_key(self, request: Request, route: Route, project: int) -> Response:
        """Run the checks before the throttle, and then the rest."""
        try:
            if not route.operations:
                raise HttpError(404, f"The route {route.path} could not be found.")
            if request.method == "OPTIONS":
                return laravel.options_response(route.allowed_methods)
            if request.method not in route.allowed_methods:
                raise laravel.MethodNotAllowed(request.method, route.path, route.allowed_methods)
            if project == UNKNOWN_PROJECT:
                raise laravel.Unauthenticated
            return self._throttle_and_run(request, route, project)
        except HttpError as error:
            return laravel.error_response(request, error)

    def _throttle_and_run(self, request: Request, route: Route, project: int) -> Response:
        throttles = self._fault_throttles
        if self._throttle:
            throttles = (self._throttle, *throttles)
        for throttle in throttles:
            throttle.admit(str(project))
        try:
            response = self._run_endpoint(request, route, project)
        except HttpError as error:  # behind the throttle, so it carries the throttle's headers
            response = laravel.error_response(request, error)
        for throttle in throttles:
            response = laravel.with_headers(response, throttle.limit_headers(str(project)))
        return response

    def _run_endpoint(self, request: Request, route: Route, project: int) -> Response:
        """Run the operation in one transaction: an error leaves no effect."""
        with self._store.transaction():
            if self._projects.is_suspended(project):
                raise HttpError(403, "This project is suspended.")
            call = Call(
                store=self._store,
                timeline=self._timeline,
                project=project,
                now=int(self._clock.now()),
                url=request.url.partition("?")[0].rstrip("/"),
                path_id=route.path_id,
                fields=read_fields(request) if request.writes else {},
                query=read_query(request.url),
            )
            return ENDPOINTS[route.operation_for(request.method)](call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
