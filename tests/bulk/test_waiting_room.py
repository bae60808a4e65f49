"""Rows that wait: for a time to come, or for an earlier row of the same person."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.run.row import Item
from moregood_async.bulk.run.scheduler import MAX_WAITING_ROWS, Scheduler


def item(place: int, *marks: str) -> Item:
    """A row of a person."""
    return RowTask(JournalEntry(place, place + 2, b""), marks=marks)


def test_who_waits_comes_when_the_time_is_there() -> None:
    """The earliest first; of the same time, who came first."""
    room = Scheduler()
    late, soon, next_ = item(0), item(1), item(2)
    room.delay(late, 9.0)
    room.delay(soon, 5.0)
    room.delay(next_, 5.0)
    assert (3, 5.0) == (room.delayed, room.next_due)
    assert None is room.pop_due(4.9)
    assert [soon, next_, None] == [room.pop_due(5.0), room.pop_due(5.0), room.pop_due(5.0)]
    assert late is room.pop_due(10.0)
    assert (0, None) == (room.delayed, room.next_due)


def test_different_people_do_not_wait_for_each_other() -> None:
    """Nor do those who have neither email nor phone."""
    room = Scheduler()
    assert all(room.admit(each) for each in (item(0, "a"), item(1, "b"), item(2), item(3)))


def test_a_later_row_of_a_person_waits_for_the_earlier() -> None:
    """By any mark that they share; an earlier one that only pauses is still ahead."""
    room = Scheduler()
    first, second = item(0, "a", "b"), item(1, "b")
    assert room.admit(first)
    assert not room.admit(second)
    room.delay(first, 7.0)
    assert first is room.pop_due(7.0)
    assert room.admit(first)
    assert None is room.pop_due(8.0)
    room.release(first)
    assert second is room.pop_due(0.0)
    assert room.admit(second)
    room.release(second)
    assert room.admit(item(2, "a", "b"))


def test_a_row_between_two_keeps_them_in_order() -> None:
    """They have nothing in common but that row."""
    room = Scheduler()
    rows = [item(0, "a"), item(1, "a", "b"), item(2, "b")]
    assert [True, False, False] == [room.admit(row) for row in rows]
    room.release(rows[0])
    assert [rows[1], None] == [room.pop_due(0.0), room.pop_due(0.0)]
    assert room.admit(rows[1])
    room.release(rows[1])
    assert rows[2] is room.pop_due(0.0)


def test_two_rows_are_kept_in_order_by_one_before_them() -> None:
    """They have nothing in common but that row, whether it is over or not."""
    for is_over in (False, True):
        room = Scheduler()
        rows = [item(0, "a", "b"), item(1, "a"), item(2, "b", "c")]
        rows[1].entry.repeats = rows[2].entry.repeats = 0
        assert room.admit(rows[0])
        if is_over:
            room.release(rows[0])
        assert [is_over, False] == [room.admit(row) for row in rows[1:]]
        if not is_over:
            room.release(rows[0])
            assert rows[1] is room.pop_due(0.0)
        assert None is room.pop_due(0.0)
        room.release(rows[1])
        assert rows[2] is room.pop_due(0.0)


def test_it_is_full_with_a_thousand_who_wait_for_whatever() -> None:
    """Then no new row is read."""
    room = Scheduler()
    room.admit(item(0, "a"))
    for place in range(1, MAX_WAITING_ROWS):
        room.admit(item(place, "a"))
    assert not room.is_full
    room.delay(item(MAX_WAITING_ROWS), 1.0)
    assert room.is_full


def kin_of(people: list[frozenset[str]]) -> list[set[int]]:
    """For each row the rows before it that are of its person, by whatever stands between."""
    groups: list[tuple[frozenset[str], set[int]]] = []
    kin: list[set[int]] = []
    for place, marks in enumerate(people):
        mine = [group for group in groups if group[0] & marks]
        groups = [group for group in groups if group not in mine]
        kin.append(set[int]().union(*(places for _, places in mine)))
        groups.append((marks.union(*(known for known, _ in mine)), {place, *kin[-1]}))
    return kin


@given(st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=14), st.randoms())
def test_rows_of_a_person_end_in_the_order_of_the_file(
    people: list[frozenset[str]], chance: Random
) -> None:
    """Whoever is fast, everybody gets a turn, and rows of one person come one after another."""
    room = Scheduler()
    rows = [item(place, *sorted(marks)) for place, marks in enumerate(people)]
    working = [row for row in rows if room.admit(row)]
    ended: list[int] = []
    while working:
        row = chance.choice(working)
        working.remove(row)
        others = {mark for each in working for mark in each.marks}
        assert not others & set(row.marks)
        ended.append(row.entry.row_index)
        room.release(row)
        while (due := room.pop_due(0.0)) is not None:
            assert room.admit(due)
            working.append(due)
    assert list(range(len(rows))) == sorted(ended)
    for place, kin in enumerate(kin_of(people)):
        assert kin <= set(ended[: ended.index(place)])
    assert not room.is_full
