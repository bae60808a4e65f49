"""Headers of a file: which column holds which field of a customer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from moregood_async.bulk.importing.consent import CONSENTS
from moregood_async.bulk.importing.headers import KNOWN, NAME, field_named, is_exact, plain
from moregood_async.bulk.importing.presets import NO_PRESET, PRESETS, Preset, preset_of
from moregood_async.errors import MoreGoodError


class BadMapping(MoreGoodError):
    """Columns, fields, a preset or a region do not fit together; nothing was sent."""


@attrs.frozen
class Column:
    """One column of a file: what it holds, or why it is ignored."""

    name: str
    field: str | None
    """A field of a customer, ``name``, what opts people out (`CONSENTS`), or None."""
    why: str = ""

    def __str__(self) -> str:
        if self.field is None:
            return f"{self.name}: {self.why}"
        if self.field == NAME:
            return f"{self.name} → first_name, last_name (split at the first blank)"
        return f"{self.name} → {CONSENTS.get(self.field, self.field)}"


@attrs.frozen(eq=False)
class ColumnMapping(Mapping[str, str]):
    """Which column holds what: a mapping that prints.

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
    Accepts Email Marketing → not asked by email where it is no
    """

    columns: tuple[Column, ...]
    """Every column of the file, in its order."""
    preset: Preset | None = None
    """The export that was recognised by its headers, or named."""

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        chosen: Mapping[str, str] | None = None,
        preset: Preset | None = None,
    ) -> ColumnMapping:
        """The mapping of a header.

        What you choose wins, then what the preset says, then what a column's name says: a
        field's own name before its other names, and the first column before later ones. Every
        column that opts people out counts.

        Args:
            header: The columns' names, in their order.
            chosen: Columns whose field you say yourself, which wins; ``{"Nick": ""}`` ignores
                the column.
            preset: What is known of such a file; see `moregood_async.bulk.importing.presets`.

        Raises:
            BadMapping: ``chosen`` names a column or a field that does not exist, or nothing
                holds ``first_name``, which every customer needs.
        """
        mapping = cls.of_some(header, checked(header, chosen or {}), preset)
        if mapping.column_of("first_name") is None:
            raise BadMapping(_nothing_holds_first_name(header))
        return mapping

    @classmethod
    def of_some(
        cls, keys: Sequence[str], told: Mapping[str, str], preset: Preset | None
    ) -> ColumnMapping:
        """The mapping of one row's own keys, which need not be all that there are."""
        found = [_found(key, place, told, preset) for place, key in enumerate(keys)]
        taken: dict[str, str] = {}
        for each in sorted(found, key=lambda each: each.rank):
            if each.field:
                taken.setdefault(each.field, each.name)
        if NAME in taken and taken[NAME] not in told and "first_name" in taken:
            taken[NAME] = taken["first_name"]
        elif NAME in taken:
            taken["first_name"] = taken[NAME]
        return cls(tuple(each.column(taken) for each in found), preset)

    @property
    def ignored(self) -> tuple[Column, ...]:
        """The columns that are not sent, each with the reason."""
        return tuple(column for column in self.columns if not column.field)

    def column_of(self, field: str) -> str | None:
        """The column that holds a field, or None; a whole name holds ``first_name``."""
        wanted = (field, NAME) if field in ("first_name", "last_name") else (field,)
        holds = {column.field: column.name for column in reversed(self.columns)}
        return next((holds[each] for each in wanted if each in holds), None)

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


def preset_called(name: str | None, header: Iterable[str]) -> Preset | None:
    """The preset that is named; the one that the headers tell where none is; None for ``none``.

    >>> preset_called("WooCommerce", []), preset_called("none", [])
    (Preset(key='woocommerce', name='WooCommerce'), None)

    Raises:
        BadMapping: There is none of this name.
    """
    if name is None:
        return preset_of(header)
    by_key = {preset.key: preset for preset in PRESETS}
    key = plain(name)
    if key in by_key or key == NO_PRESET:
        return by_key.get(key)
    raise BadMapping(f'there is no preset "{name}"; {_closest(name, [*by_key, NO_PRESET])}')


def chosen_columns(pairs: Iterable[str]) -> dict[str, str]:
    """Columns and fields as they are said on a command line.

    >>> chosen_columns(["Given=first_name", "Nick="])
    {'Given': 'first_name', 'Nick': ''}

    Raises:
        BadMapping: One is not of the form ``Column=field``, or names a column twice.
    """
    chosen: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = (part.strip() for part in pair.rpartition("="))
        if not equals or not column:
            raise BadMapping(f'"{pair}" is not of the form "Column=field"')
        if column in chosen:
            raise BadMapping(f'the column "{column}" is mapped twice')
        chosen[column] = field
    return chosen


@attrs.frozen
class _Found:
    """What a column could hold, before others are looked at."""

    name: str
    field: str | None
    rank: tuple[int, ...]
    why: str = ""

    def column(self, taken: Mapping[str, str]) -> Column:
        if self.field is None or self.field in CONSENTS or taken[self.field] == self.name:
            return Column(self.name, self.field, self.why)
        of = "first_name" if self.field == NAME else self.field
        return Column(self.name, None, f"{of} comes from {taken[of]}")


def _found(name: str, place: int, told: Mapping[str, str], preset: Preset | None) -> _Found:
    known = plain(name)
    if name in told:
        field = told[name] or None
        return _Found(name, field, (0, place), "" if field else "left out, as you said")
    if preset and known in preset.ignored:
        return _Found(name, None, (), preset.ignored[known])
    if preset and known in preset.columns:
        order = list(preset.columns).index(known)
        return _Found(name, preset.columns[known], (1, order, place))
    field = field_named(name)
    why = "" if field else "fits no field"
    return _Found(name, field, (2 if is_exact(name) else 3, place), why)


def checked(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """What was chosen, by the columns' names as they stand in the header.

    Raises:
        BadMapping: There is no such column or field, or one is named twice.
    """
    told: dict[str, str] = {}
    fields: dict[str, str] = {}
    for given, field in chosen.items():
        name = _column_meant(given, header)
        if field and field not in KNOWN:
            raise BadMapping(f'there is no field "{field}"; {_closest(field, KNOWN)}')
        if name in told or (field in fields and field and field not in CONSENTS):
            twice = f'the column "{name}"' if name in told else f"the field {field}"
            raise BadMapping(f"{twice} is mapped twice")
        told[name] = field
        fields[field] = name
    return told


def _column_meant(given: str, header: Sequence[str]) -> str:
    if given in header:
        return given
    alike = [name for name in header if plain(name) == plain(given)]
    if len(alike) == 1:
        return alike[0]
    raise BadMapping(f'there is no column "{given}"; {_closest(given, header)}')


def _closest(name: str, known: Sequence[str]) -> str:
    by_plain = {plain(each): each for each in known}
    close = difflib.get_close_matches(plain(name), by_plain, n=3)
    if close:
        return f"did you mean {' or '.join(by_plain[each] for each in close)}?"
    return f"there are {', '.join(known)}"


def _nothing_holds_first_name(header: Sequence[str]) -> str:
    named = [name for name in header if "name" in plain(name)] or list(header)
    return (
        "no column holds first_name, which every customer needs; say which one does, "
        f'for example with --map "{named[0]}=first_name"'
    )
