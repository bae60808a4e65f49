"""The columns of a file: which of them holds which field of a customer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from moregood_async.bulk.importing.consent import CONSENTS
from moregood_async.bulk.importing.headers import (
    MAPPABLE,
    NAME,
    find_field,
    is_own_name,
    normalize_name,
)
from moregood_async.bulk.importing.presets import NO_PRESET, PRESETS, Preset, detect_preset
from moregood_async.errors import MoreGoodError


class BadMapping(MoreGoodError):
    """A column, field, preset or region does not exist or does not fit; nothing was sent."""


@attrs.frozen
class Column:
    """One column of a file: what it holds, or why it is ignored."""

    name: str
    field: str | None
    """A customer's field, ``name``, a consent (`CONSENTS`), or None for an ignored column."""
    why: str = ""
    """Why the column is ignored."""

    def __str__(self) -> str:
        if self.field is None:
            return f"{self.name}: {self.why}"
        if self.field == NAME:
            return f"{self.name} → first_name, last_name (split at the first blank)"
        return f"{self.name} → {CONSENTS.get(self.field, self.field)}"


@attrs.frozen(eq=False)
class ColumnMapping(Mapping[str, str]):
    """What each column holds: a mapping of column names to fields, with a readable `str`.

    >>> mapping = ColumnMapping.of(["First Name", "E-mail", "Phone 1", "Phone 2", "Shoe size"])
    >>> mapping["E-mail"], len(mapping)
    ('email', 3)
    >>> print(mapping)
    First Name → first_name
    E-mail → email
    Phone 1 → phone
    ignored: Phone 2: phone comes from Phone 1
    ignored: Shoe size: fits no field
    >>> print(ColumnMapping.of(["Name", "Email", "Accepts Email Marketing"]))
    Name → first_name, last_name (split at the first blank)
    Email → email
    Accepts Email Marketing → not asked by email if the cell is no
    """

    columns: tuple[Column, ...]
    """Every column of the file, in the sequence of its header."""
    preset: Preset | None = None
    """The preset that was detected by the header, or named by the caller."""

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        chosen: Mapping[str, str] | None = None,
        preset: Preset | None = None,
    ) -> ColumnMapping:
        """Return the mapping of a header.

        If several columns could hold a field, the first of this list does:

        1. a column that ``chosen`` names,
        2. a column that the preset names,
        3. a column with the field's own name,
        4. a column with a synonym; of several, the first column.

        Consents are different: every column that holds one is used.

        Args:
            header: The names of the columns, in their sequence.
            chosen: Fields by column name, for columns whose names do not show what they hold;
                ``{"Nick": ""}`` ignores the column.
            preset: What is known about this kind of file; see
                `moregood_async.bulk.importing.presets`.

        Raises:
            BadMapping: ``chosen`` names a column or a field that does not exist, or no column
                holds ``first_name``, which every customer needs.
        """
        mapping = cls.of_keys(header, resolve_choices(header, chosen or {}), preset)
        if mapping.column_of("first_name") is None:
            raise BadMapping(_no_first_name(header))
        return mapping

    @classmethod
    def of_keys(
        cls, keys: Sequence[str], chosen: Mapping[str, str], preset: Preset | None
    ) -> ColumnMapping:
        """Return the mapping of one row's keys, which may lack ``first_name`` and chosen keys."""
        candidates = [_candidate(key, index, chosen, preset) for index, key in enumerate(keys)]
        winners: dict[str, str] = {}  # the column of each field
        for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
            if candidate.field:
                winners.setdefault(candidate.field, candidate.name)
        # A full name stands for first_name. Beside a column of first names it is ignored ("Name",
        # "First Name"), unless the caller chose it; then the column of first names is ignored.
        if NAME in winners and winners[NAME] not in chosen and "first_name" in winners:
            winners[NAME] = winners["first_name"]
        elif NAME in winners:
            winners["first_name"] = winners[NAME]
        return cls(tuple(candidate.decide(winners) for candidate in candidates), preset)

    @property
    def ignored(self) -> tuple[Column, ...]:
        """The columns that are not sent, each with the reason."""
        return tuple(column for column in self.columns if not column.field)

    def column_of(self, field: str) -> str | None:
        """Return the column that holds a field, or None; a full name holds ``first_name``."""
        accepted = (field, NAME) if field in ("first_name", "last_name") else (field,)
        # Reversed, so that the first of several columns of one consent is found.
        names = {column.field: column.name for column in reversed(self.columns)}
        return next((names[each] for each in accepted if each in names), None)

    def __getitem__(self, name: str) -> str:
        for column in self.columns:
            if column.field and column.name == name:
                return column.field
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (column.name for column in self.columns if column.field)

    def __len__(self) -> int:
        return sum(1 for column in self.columns if column.field)

    def __str__(self) -> str:
        lines = [f"recognised: {self.preset.name}"] if self.preset else []
        lines += [str(column) for column in self.columns if column.field]
        return "\n".join(lines + [f"ignored: {column}" for column in self.ignored])


def find_preset(name: str | None, header: Iterable[str]) -> Preset | None:
    """Return the preset of a name; without a name the one that the header shows.

    >>> find_preset("WooCommerce", []), find_preset("none", [])
    (Preset(key='woocommerce', name='WooCommerce'), None)

    Raises:
        BadMapping: There is no preset of this name.
    """
    if name is None:
        return detect_preset(header)
    by_key = {preset.key: preset for preset in PRESETS}
    key = normalize_name(name)
    if key in by_key or key == NO_PRESET:
        return by_key.get(key)
    raise BadMapping(f'there is no preset "{name}"; {_suggest(name, [*by_key, NO_PRESET])}')


def parse_choices(pairs: Iterable[str]) -> dict[str, str]:
    """Return the fields by column that the options of a command line name.

    >>> parse_choices(["Given=first_name", "Nick="])
    {'Given': 'first_name', 'Nick': ''}

    Raises:
        BadMapping: An option has not the form ``Column=field``, or names a column twice.
    """
    chosen: dict[str, str] = {}
    for pair in pairs:
        # The last equals sign divides: the column of "a=b=email" is "a=b".
        column, equals, field = (part.strip() for part in pair.rpartition("="))
        if not equals or not column:
            raise BadMapping(f'"{pair}" does not have the form "Column=field"')
        if column in chosen:
            raise BadMapping(f'the column "{column}" is mapped twice')
        chosen[column] = field
    return chosen


@attrs.frozen
class _Candidate:
    """What one column could hold, before the other columns are considered."""

    name: str
    field: str | None
    rank: tuple[int, ...]
    """Which column wins a field: the smallest rank."""
    why: str = ""

    def decide(self, winners: Mapping[str, str]) -> Column:
        """Return the column; it is ignored if another one won its field."""
        if self.field is None or self.field in CONSENTS or winners[self.field] == self.name:
            return Column(self.name, self.field, self.why)
        field = "first_name" if self.field == NAME else self.field
        return Column(self.name, None, f"{field} comes from {winners[field]}")


def _candidate(
    name: str, index: int, chosen: Mapping[str, str], preset: Preset | None
) -> _Candidate:
    normalized = normalize_name(name)
    if name in chosen:
        field = chosen[name] or None
        return _Candidate(name, field, (0, index), "" if field else "ignored as you chose")
    if preset and normalized in preset.ignored:
        return _Candidate(name, None, (), preset.ignored[normalized])
    if preset and normalized in preset.columns:
        # The preset's own sequence decides: Shopify's "Phone" goes before "Default Address Phone",
        # wherever the two stand in the file.
        preference = list(preset.columns).index(normalized)
        return _Candidate(name, preset.columns[normalized], (1, preference, index))
    field = find_field(name)
    why = "" if field else "fits no field"
    return _Candidate(name, field, (2 if is_own_name(name) else 3, index), why)


def resolve_choices(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return ``chosen`` with the columns' names as the header spells them.

    Raises:
        BadMapping: A column or field does not exist, or is named twice.
    """
    fields: dict[str, str] = {}
    for typed, field in chosen.items():
        name = _find_column(typed, header)
        if field and field not in MAPPABLE:
            raise BadMapping(f'there is no field "{field}"; {_suggest(field, MAPPABLE)}')
        if name in fields:
            raise BadMapping(f'the column "{name}" is mapped twice')
        # Several columns may be ignored, and several may hold the same consent.
        if field and field not in CONSENTS and field in fields.values():
            raise BadMapping(f"the field {field} is mapped twice")
        fields[name] = field
    return fields


def _find_column(typed: str, header: Sequence[str]) -> str:
    if typed in header:
        return typed
    alike = [name for name in header if normalize_name(name) == normalize_name(typed)]
    if len(alike) == 1:  # "A-1" is unclear where the header has both "A 1" and "a1"
        return alike[0]
    raise BadMapping(f'there is no column "{typed}"; {_suggest(typed, header)}')


def _suggest(name: str, known: Sequence[str]) -> str:
    by_normalized = {normalize_name(each): each for each in known}
    close = difflib.get_close_matches(normalize_name(name), by_normalized, n=3)
    if close:
        return f"did you mean {' or '.join(by_normalized[each] for each in close)}?"
    return f"there are {', '.join(known)}"


def _no_first_name(header: Sequence[str]) -> str:
    likely = [name for name in header if "name" in normalize_name(name)] or list(header)
    return (
        "no column holds first_name, which every customer needs; nothing was sent. Name the "
        f'column, for example with --map "{likely[0]}=first_name"'
    )
