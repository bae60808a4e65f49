"""A stateful Beacon API for tests and trials, with faults, an audit and a movable clock.

::

    async with MoreGoodClient("test-key", transport=Sandbox()) as client: ...

Sources
=======

Each rule that the sandbox follows is stated in the docstring of the module that implements it.
A mark behind the rule names its source:

- [D]: the vendor documents the rule for the Beacon API.
- [P]: the vendor documents the rule for its newer Project API, and is silent about Beacon.
- [O]: the rule was observed in the code of real clients, in data that they fetched, or in a
  third party's schema of the responses.
- [I]: the rule is inferred and undocumented. The docstring states what the sandbox assumes.
- [L]: the behaviour was recorded from a stock Laravel 10.48 application over raw sockets (PHP
  8.2, behind nginx with php-fpm and behind PHP's own server, with ``APP_DEBUG=false``). That the
  Beacon API runs on Laravel is itself inferred [I], from its paginator and its date formats.

Endpoints
=========

=================== ====== ================================= ======
operation           method path                              source
=================== ====== ================================= ======
customers.upsert    POST   customers                         [D]
customers.list      GET    customers                         [D]
customers.reviews   GET    customers/{customer_id}/reviews   [D]
customers.messages  GET    customers/{customer_id}/messages  [D]
charges.create      POST   charges                           [D]
asks.create         POST   asks                              [D]
reviews.list        GET    reviews                           [D]
messages.list       GET    messages                          [O]
locations.create    POST   locations                         [D]
locations.update    PUT    locations/{location_id}           [D]
=================== ====== ================================= ======

The vendor documented ``messages.list`` until November 2025; real clients use it since then.

Rules for every endpoint
========================

- The base URL is ``https://api.moregoodreviews.com/beacon`` [D]. Older clients use another host
  [O], and agencies put domains of their own in front of the API [D].
- Requests and responses are JSON [D]. Requests can also be forms [L].
- No endpoint takes an idempotency key, and no response has a request id [I]. Two equal POSTs of a
  charge or an ask therefore take effect twice [I].
- Times in responses are unix seconds [O]. The exceptions are ``charged_at`` of a charge and
  ``scheduled_at`` of an ask, which are ISO 8601 [O].
- Flags from the database are the integers 0 and 1; computed flags are booleans [O].
- Customers, reviews, messages and locations have an integer ``id`` and a string ``uuid`` [O].
- Laravel checks a request in this order [L]: route and method (404, 405), key (401), throttle
  (429), model in the path (404), body (422), and at last the operation itself.

Modules
=======

- `routes`: paths, methods, and the 404 and 405 before the key.
- `projects`: keys and projects; 401 and 403.
- `throttle`: rate limits and 429.
- `inputs`: reading of bodies and queries.
- `validation`, `rules`: 422 and its sentences.
- `dates`, `contacts`: formats of dates, emails and phones.
- `laravel`, `php_json`, `negotiation`: the form of responses and errors.
- `paginator`: pages of lists.
- `endpoints`: one function for each operation. `endpoints.customers`, `endpoints.charges`,
  `endpoints.asks`, `endpoints.messages`, `endpoints.reviews` and `endpoints.locations` state the
  rules of their fields; `endpoints.calls` states how a request names a customer or a location.
- `timeline`: messages, reminders, clicks and reviews as time passes.
- `people`: simulated customers. Everything in this module is invented.

The other modules are the sandbox's own machinery and copy nothing: `app` and `state` (the
`Sandbox`), `store` (its database), `clock`, `audit` and `request_counter`, `fault_chain` and
`faults`, `control` (paths below ``/__sandbox__/``) and `server` (the socket).

Known differences from a real Laravel
=====================================

- Under concurrent requests, a real ``X-RateLimit-Remaining`` can be negative, and a throttle whose
  counter is not atomic admits a few requests too many [L]. The sandbox counts exactly.
- A real response has no ``Content-Length`` [L]. The sandbox's server sends one.
- Laravel's HTML error pages are about 6.6 kB and have header names in lower case [L]. The sandbox's
  pages are short.
- The sandbox has no maintenance mode (503) and no debug mode (traces in error bodies) [L].
"""

from moregood_async.sandbox.app import Sandbox
from moregood_async.sandbox.audit import Audit, Duplicate
from moregood_async.sandbox.fault_chain import Faults
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
    "Duplicate",
    "Fault",
    "Faults",
    "Garbage",
    "Html",
    "Redirect",
    "Refuse",
    "Sandbox",
    "Server",
    "ThreadedServer",
    "Throttle",
]
