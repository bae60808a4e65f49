"""The error of a response, however it is read."""

from typing import Any

import pytest

from moregood_async import APIError, Customer, MoreGoodError, Page, Response
from moregood_async.envelope import model_of, page_of, refusal


def error_of(response: Response) -> MoreGoodError:
    """Return the error of a response, which is the same by every way of reading it."""
    error = refusal(response)
    assert error is not None
    for read in (
        lambda: model_of(Customer, response),
        lambda: page_of(Customer, response, number=1),
    ):
        with pytest.raises(MoreGoodError) as caught:
            read()
        assert type(caught.value) is type(error)
        assert vars(caught.value) == vars(error)
    return error


def first_page(kind: type[Any], response: Response) -> Page[Any]:
    """Read a page, with the parameters of `model_of`."""
    return page_of(kind, response, number=1)[0]


def api_error_of(response: Response) -> APIError:
    """Return the `APIError` of a response."""
    error = error_of(response)
    assert isinstance(error, APIError)
    return error


NGINX = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n"
