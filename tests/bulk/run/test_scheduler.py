"""Rows that wait for a time, or for an earlier row of the same person."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.run.row import RowTask
from moregood_async.bulk.run.scheduler import MAX_WAITING_ROWS, Scheduler
from tests.bulk.journal_entries import make_entry


def make_task(row_index: int, *contact_keys: str) -> RowTask:
    """Return a row of the person with these contact keys."""
    return RowTask(make_entry(row_index), contact_keys=contact_keys)


def test_delayed_rows_become_due_in_the_order_of_their_times() -> None:
    """Rows of the same time become due in the order in which they were delayed."""
    scheduler = Scheduler()
    last, first, second = make_task(0), make_task(1), make_task(2)
    scheduler.delay(last, 9.0)
    scheduler.delay(first, 5.0)
    scheduler.delay(second, 5.0)
    assert scheduler.delayed == 3
    assert scheduler.next_due == 5.0
    assert scheduler.pop_due(4.9) is None
    assert [scheduler.pop_due(5.0) for _ in range(3)] == [first, second, None]
    assert scheduler.pop_due(10.0) is last
    assert scheduler.delayed == 0
    assert scheduler.next_due is None


def test_rows_of_different_people_do_not_wait_for_each_other() -> None:
    """Rows with neither email nor phone are of different people."""
    scheduler = Scheduler()
    tasks = [make_task(0, "a"), make_task(1, "b"), make_task(2), make_task(3)]
    assert all(scheduler.admit(task) for task in tasks)


def test_a_later_row_of_a_person_waits_until_the_earlier_is_released() -> None:
    """An earlier row that is only delayed still blocks."""
    scheduler = Scheduler()
    first, second = make_task(0, "a", "b"), make_task(1, "b")
    assert scheduler.admit(first)
    assert not scheduler.admit(second)
    scheduler.delay(first, 7.0)
    assert scheduler.pop_due(7.0) is first
    assert scheduler.pop_due(8.0) is None
    scheduler.release(first)
    assert scheduler.pop_due(0.0) is second
    scheduler.release(second)
    assert scheduler.admit(make_task(2, "a", "b"))


def test_a_row_that_shares_a_contact_with_each_of_two_keeps_them_in_order() -> None:
    """The first and the third share no contact."""
    scheduler = Scheduler()
    first, second, third = make_task(0, "a"), make_task(1, "a", "b"), make_task(2, "b")
    assert [scheduler.admit(task) for task in (first, second, third)] == [True, False, False]
    scheduler.release(first)
    assert [scheduler.pop_due(0.0) for _ in range(2)] == [second, None]
    scheduler.release(second)
    assert scheduler.pop_due(0.0) is third


@pytest.mark.parametrize("is_released", [False, True])
def test_duplicates_of_one_row_wait_for_each_other(is_released: bool) -> None:
    """They share no contact with each other, and their original may be over already."""
    scheduler = Scheduler()
    original, second, third = make_task(0, "a", "b"), make_task(1, "a"), make_task(2, "b", "c")
    second.entry.mark_duplicate(0)
    third.entry.mark_duplicate(0)
    assert scheduler.admit(original)
    if is_released:
        scheduler.release(original)
    assert [scheduler.admit(task) for task in (second, third)] == [is_released, False]
    if not is_released:
        scheduler.release(original)
        assert scheduler.pop_due(0.0) is second
    assert scheduler.pop_due(0.0) is None
    scheduler.release(second)
    assert scheduler.pop_due(0.0) is third


def test_the_scheduler_is_full_while_a_thousand_rows_wait() -> None:
    """Blocked and delayed rows count alike."""
    scheduler = Scheduler()
    for row_index in range(MAX_WAITING_ROWS):
        scheduler.admit(make_task(row_index, "a"))
    assert not scheduler.is_full
    scheduler.delay(make_task(MAX_WAITING_ROWS), 1.0)
    assert scheduler.is_full
    assert scheduler.pop_due(1.0) is not None
    assert not scheduler.is_full


def predecessors_of(people: list[frozenset[str]]) -> list[set[int]]:
    """Return for each row the earlier rows of its person, also through rows between them."""
    groups: list[tuple[frozenset[str], set[int]]] = []
    predecessors: list[set[int]] = []
    for row_index, keys in enumerate(people):
        joined = [group for group in groups if group[0] & keys]
        groups = [group for group in groups if group not in joined]
        predecessors.append(set[int]().union(*(rows for _, rows in joined)))
        all_keys = keys.union(*(known for known, _ in joined))
        groups.append((all_keys, {row_index, *predecessors[-1]}))
    return predecessors


@given(st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=14), st.randoms())
def test_the_rows_of_a_person_end_in_the_order_of_the_input(
    people: list[frozenset[str]], random: Random
) -> None:
    """Whichever row ends next: all rows end, and rows with a common contact never overlap."""
    scheduler = Scheduler()
    tasks = [make_task(row_index, *sorted(keys)) for row_index, keys in enumerate(people)]
    in_work = [task for task in tasks if scheduler.admit(task)]
    ended: list[int] = []
    while in_work:
        task = random.choice(in_work)
        in_work.remove(task)
        keys_of_others = {key for other in in_work for key in other.contact_keys}
        assert keys_of_others.isdisjoint(task.contact_keys)
        ended.append(task.entry.row_index)
        scheduler.release(task)
        while (due := scheduler.pop_due(0.0)) is not None:
            in_work.append(due)
    assert sorted(ended) == list(range(len(tasks)))
    for row_index, predecessors in enumerate(predecessors_of(people)):
        assert predecessors <= set(ended[: ended.index(row_index)])
    assert not scheduler.is_full
    assert scheduler.delayed == 0
