"""The columns of a model."""

from moregood_async.bulk.exporting.columns import columns_of
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message


def test_the_columns_are_those_of_the_model_and_of_its_nested_models() -> None:
    """They do not depend on the items, so memory does not grow with the list."""
    columns = [column.name for column in columns_of(Customer)]
    assert "validation.engagement.is_bot" in columns
    assert not [column for column in columns if "extra" in column]
    assert "template.slug" in [column.name for column in columns_of(Message)]
