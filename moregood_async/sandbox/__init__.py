"""A faithful Beacon API to try things against: stateful, with faults, an audit and a clock.

::

    async with MoreGoodClient("test-key", transport=Sandbox()) as client: ...

How each thing that it does is known stands where it does it: [D] the vendor documents it for
Beacon, [P] for its newer Project API, [O] it was observed in real answers, [I] it is inferred.
Whatever can be seen of Laravel itself is as a real Laravel 10 answered.
"""

from moregood_async.sandbox.app import Sandbox
from moregood_async.sandbox.audit import Audit, Repeated
from moregood_async.sandbox.chains import Faults
from moregood_async.sandbox.faults import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Garbage,
    Html,
    Redirect,
    Refuse,
)
from moregood_async.sandbox.server import Server, ThreadedServer
from moregood_async.sandbox.throttle import Throttle

__all__ = [
    "Audit",
    "CutBody",
    "Delay",
    "DropAfterEffect",
    "DropBeforeEffect",
    "Fault",
    "Faults",
    "Garbage",
    "Html",
    "Redirect",
    "Refuse",
    "Repeated",
    "Sandbox",
    "Server",
    "ThreadedServer",
    "Throttle",
]
