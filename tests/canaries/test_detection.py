"""The leak detector detects leaks."""

from typing import Any

import attrs
import pytest

from moregood_async import (
    CustomerUpsert,
)
from tests.canaries.leak_detector import EMAIL, KEY, LeakDetector


def test_leaks_in_texts_and_in_locals_are_detected(leaks: LeakDetector) -> None:
    leaks.record(attrs.evolve(CustomerUpsert(first_name="A"), first_name="B"), {"email": EMAIL})
    with pytest.raises(AssertionError):
        leaks.assert_none()

    def leak_in_a_test() -> None:
        secret = f"Bearer {KEY}"
        raise LookupError(len(secret))

    compiled: dict[str, Any] = {"KEY": KEY}
    exec(
        compile("def leak():\n secret = KEY\n raise LookupError", "/elsewhere.py", "exec"), compiled
    )
    for leak, is_detected in ((leak_in_a_test, False), (compiled["leak"], True)):
        try:
            leak()
        except LookupError as error:
            if is_detected:
                with pytest.raises(AssertionError, match="secret"):
                    leaks.assert_no_key_in_locals(error)
            else:
                leaks.assert_no_key_in_locals(error)
