"""The canaries would be found."""

from typing import Any

import attrs
import pytest

from moregood_async import (
    CustomerUpsert,
)
from tests.canaries.aviary import EMAIL, KEY, Aviary


def test_the_canaries_would_be_found(aviary: Aviary) -> None:
    """What this file looks with does see."""
    aviary.show(attrs.evolve(CustomerUpsert(first_name="A"), first_name="B"), {"email": EMAIL})
    with pytest.raises(AssertionError):
        aviary.refuse_canaries()

    def leaky() -> None:
        held = f"Bearer {KEY}"
        raise LookupError(len(held))

    compiled: dict[str, Any] = {"KEY": KEY}
    exec(compile("def leak():\n held = KEY\n raise LookupError", "/elsewhere.py", "exec"), compiled)
    for leak, found in ((leaky, False), (compiled["leak"], True)):
        try:
            leak()
        except LookupError as error:
            if found:
                with pytest.raises(AssertionError, match="held"):
                    aviary.refuse_key_in_locals(error)
            else:
                aviary.refuse_key_in_locals(error)
