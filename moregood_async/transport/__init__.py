"""The transport: the only client package that imports aiohttp.

===================  =============================================================================
`aiohttp_transport`  the handler: chooses the path, sets the time limit, maps foreign exceptions
`ordinary_path`      a request through ``ClientSession.request``
`fast_path`          the same request through aiohttp's connector and parser only
`exchange`           one attempt on the wire: its phase, whether it was sent, the error it ends with
===================  =============================================================================
"""

from moregood_async.transport.aiohttp_transport import AiohttpTransport

__all__ = ["AiohttpTransport"]
