"""The set of ids that a walk has returned, small enough for millions of rows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_MAX_ARRAY_LENGTH = 2**12
"""The ids that a block keeps as an array: at 2 bytes each they take 8 KiB, as its bitmap does."""

_BITMAP_BYTES = 2**13
"""The size of a bitmap: 65,536 bits."""


class SeenIds:
    """A set of integers that can only grow, built like a roaring bitmap.

    The ids are divided into blocks of 65,536: the high bits of an id select its block, the low 16
    bits its place in the block. A block starts as a sorted array of 16-bit numbers and becomes a
    bitmap of 8 KiB when it holds more than 4,096 ids, since from there on the bitmap is smaller.

    Memory for a million ids, measured on CPython 3.11:

    ===========================  ============  ============
    ids                          `SeenIds`     ``set[int]``
    ===========================  ============  ============
    consecutive                  0.13 MB       66 MB
    every tenth                  1.3 MB        66 MB
    every hundredth              2.3 MB        66 MB
    one in each block            156 MB        66 MB
    ===========================  ============  ============

    The ids of a table lie close together, so a walk costs a few bits or bytes for each row.
    """

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[int, array[int] | bytearray] = {}

    def add(self, number: int) -> bool:
        """Add an id. Return True if it is new, False if the set had it already."""
        high, low = number >> 16, number & 0xFFFF
        block = self._blocks.get(high)
        if block is None:
            self._blocks[high] = array("H", (low,))
            return True
        if isinstance(block, bytearray):
            return _set_bit(block, low)
        if len(block) == _MAX_ARRAY_LENGTH:
            self._blocks[high] = bitmap = _bitmap(block)
            return _set_bit(bitmap, low)
        position = bisect_left(block, low)
        if position < len(block) and block[position] == low:
            return False
        block.insert(position, low)
        return True


def _bitmap(numbers: Iterable[int]) -> bytearray:
    bitmap = bytearray(_BITMAP_BYTES)
    for number in numbers:
        _set_bit(bitmap, number)
    return bitmap


def _set_bit(bitmap: bytearray, number: int) -> bool:
    """Set the bit of a number. Return False if it was set already."""
    position, bit = number >> 3, 1 << (number & 7)
    if bitmap[position] & bit:
        return False
    bitmap[position] |= bit
    return True
