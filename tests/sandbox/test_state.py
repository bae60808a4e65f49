"""The methods that change a sandbox from outside the API."""

from typing import Any

import pytest

from tests.sandbox.api import Api


async def test_unknown_customers_and_reviews_are_lookup_errors(api: Api) -> None:
    await api.upsert_ada()
    not_an_id: Any = 2.5
    for call in (
        lambda: api.sandbox.click(2),
        lambda: api.sandbox.write(1, "x"),
        lambda: api.sandbox.mark(1),
        lambda: api.sandbox.unsubscribe(2),
        lambda: api.sandbox.click(not_an_id),
    ):
        with pytest.raises(LookupError, match="no id"):
            call()


async def test_a_score_is_from_1_to_5_and_a_text_is_a_string(api: Api) -> None:
    await api.upsert_ada()
    invalid: Any = 2.5
    for score in (0, 6, invalid):
        with pytest.raises(ValueError, match="from 1 to 5"):
            api.sandbox.click(1, score)
    with pytest.raises(TypeError, match="string"):
        api.sandbox.write(api.sandbox.click(1), invalid)
