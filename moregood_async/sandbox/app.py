"""The sandbox: a Beacon API that keeps its state, as a handler and as a server.

A request's way: counted, then through the faults, then Laravel's order of checks: route and
method, key, throttle, model in the path, body, and at last the answer of its operation.
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
from moregood_async.sandbox import control, laravel, routes
from moregood_async.sandbox.answers import ANSWERS
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.chains import Link
from moregood_async.sandbox.faults import CutShort
from moregood_async.sandbox.inputs import fields_of, query_of
from moregood_async.sandbox.laravel import Refused
from moregood_async.sandbox.projects import UNKNOWN
from moregood_async.sandbox.routes import Route
from moregood_async.sandbox.server import Server, ThreadedServer
from moregood_async.sandbox.throttle import Throttle
from moregood_async.sandbox.world import World
from moregood_async.wire import Middleware, Request, Response


class Sandbox(World):
    """A stateful Beacon API, for trying things out and for tests.

    Without a socket it is a transport: ``MoreGoodClient("test-key", transport=Sandbox())``. With
    one, it listens: see `serve` and `serve_in_thread`.

    >>> with Sandbox() as sandbox, sandbox.serve_in_thread() as server:
    ...     print(server.base_url, sandbox.audit().customers)
    http://127.0.0.1:.../beacon 0

    Args:
        keys: Each opens a project of its own, with its own customers and locations.
        db: A file that keeps everything through a restart, of which it keeps only a hash of the
            keys; None keeps it in memory. One sandbox at a time.
        faults: What goes wrong; can be set at any time as `faults`.
        throttle: A limit for each key, which stays whatever the faults are.
        seed: Decides uuids, so that two runs show the same.
        now: Where its clock starts, an aware time; the real time where it is None.
    """

    def __init__(
        self,
        *,
        keys: str | Sequence[str] = ("test-key",),
        db: str | Path | None = None,
        faults: Link | Iterable[Middleware] = (),
        throttle: Throttle | None = None,
        seed: int = 0,
        now: datetime | None = None,
    ) -> None:
        super().__init__((keys,) if isinstance(keys, str) else keys, db, seed, now)
        self._throttle = throttle.fresh() if throttle else None
        self.faults = faults

    async def __call__(self, request: Request) -> Response:
        """Answers without a socket; a `Handler`.

        Raises:
            ConnectionLost: A fault dropped the connection or cut the answer short.
        """
        try:
            response = await self._answer(request)
        except CutShort as cut:
            raise ConnectionLost(
                cut.problem, phase=cut.phase, seconds=cut.seconds, sent=True
            ) from None
        response = self._dated(response)
        return attrs.evolve(response, body=b"") if request.method == "HEAD" else response

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Server:
        """A server in the running loop, to be entered with ``async with``; port 0 picks one."""
        return Server(self._on_socket, host, port)

    def serve_in_thread(self, host: str = "127.0.0.1", port: int = 0) -> ThreadedServer:
        """A server in a thread and loop of its own, to be entered with ``with``."""
        return ThreadedServer(Server(self._on_socket, host, port))

    async def _on_socket(self, request: Request) -> Response:
        response = await self._answer(request)
        return self._dated(response) if self._clock.is_ahead else response

    def _dated(self, response: Response) -> Response:
        """With the sandbox's own time; its server says this machine's where nothing is said."""
        return laravel.with_headers(response, {"Date": formatdate(self._clock.now(), usegmt=True)})

    async def _answer(self, request: Request) -> Response:
        if control.is_control(request):
            return control.answer(self, request)
        route = routes.find(request.url)
        project = self._projects.authorized(request.headers.get("authorization", ""))
        operation = route.operation(request.method)
        self._tally.arrived(project, operation)
        if self._around:
            known = attrs.evolve(request, operation=operation)
            response = await self._around.around(self._behind_faults)(known)
        else:
            response = self._checked(request, route, project)
        if response.status == 429:
            self._tally.refused(project)
        return response

    async def _behind_faults(self, request: Request) -> Response:
        project = self._projects.authorized(request.headers.get("authorization", ""))
        return self._checked(request, routes.find(request.url), project)

    def _checked(self, request: Request, route: Route, project: int) -> Response:
        """The answer, after the checks that come before the throttle, and the throttle."""
        try:
            if not route.operations:
                raise Refused(404, f"The route {route.path} could not be found.")
            if request.method == "OPTIONS":
                return laravel.options(route.allowed)
            if request.method not in route.allowed:
                raise laravel.WrongMethod(request.method, route.path, route.allowed)
            if project == UNKNOWN:
                raise laravel.Unauthenticated
            return self._throttled(request, route, project)
        except Refused as refused:
            return laravel.refusal(request, refused)

    def _throttled(self, request: Request, route: Route, project: int) -> Response:
        throttles = (self._throttle, *self._throttles) if self._throttle else self._throttles
        for throttle in throttles:
            throttle.admit(str(project))
        try:
            response = self._done(request, route, project)
        except Refused as refused:
            response = laravel.refusal(request, refused)
        for throttle in throttles:
            response = laravel.with_headers(response, throttle.told(str(project)))
        return response

    def _done(self, request: Request, route: Route, project: int) -> Response:
        """The operation takes effect, all of it or nothing."""
        with self._store.transaction():
            if self._projects.is_suspended(project):
                raise Refused(403, "This project is suspended.")
            call = Call(
                store=self._store,
                timeline=self._timeline,
                project=project,
                now=int(self._clock.now()),
                url=request.url.partition("?")[0].rstrip("/"),
                ident=route.ident,
                fields=fields_of(request) if request.writes else {},
                query=query_of(request.url),
            )
            return ANSWERS[route.operation(request.method)](call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
