"""Pagination: reading a list page by page, without losing or repeating a row.

Pages are requested by number, counted from 1 [O]; no link is followed. An item that a walk has
returned is not returned again, although rows move while they are read. A walk that ends before the
last page that the server claimed ends with an error: a short list never looks like a whole one.

`paginator` has what users call, `walk` the decision after each page, `prefetch` the order of the
requests, and `seen_ids` the ids that a walk has returned.
"""

from moregood_async.pagination.paginator import Paginator as Paginator
from moregood_async.pagination.paginator import require_at_least as require_at_least
