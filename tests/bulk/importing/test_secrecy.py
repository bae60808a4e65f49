"""Nothing of a person is in what the input prints or raises, and it costs what it must."""

import io
import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest

from moregood_async.bulk.importing.rows import told
from moregood_async.bulk.importing.sources import BadFile, read_customers
from moregood_async.errors import InvalidRequest, MoreGoodError
from tests.conftest import unmeasured

EMAIL, PHONE, NAME = "canary@example.com", "+1 415 555 0199", "Canaria"
HEADERS = [
    "Name,Email,Phone,Accepts Email Marketing,unsubscribed_at,Has subscription,Sign up date",
    "Name;Email;Phone;Consent;Opt out;Subscriber;Created",
]
CELLS = [
    [NAME, EMAIL, PHONE, "no", "2024-05-01", "yes", "2024-05-01"],
    [NAME, EMAIL, f"{PHONE} x7", EMAIL, PHONE, EMAIL, PHONE],
    [f"{NAME}, {EMAIL}", "", EMAIL, NAME, NAME, NAME, NAME],
    [NAME, EMAIL],
    [f'"{NAME}', EMAIL],
    [f"{NAME}\0", EMAIL],
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_no_row_shows_anybody(header: str, encoding: str) -> None:
    """Neither by its repr, nor its problems, warnings, opt-outs and errors."""
    delimiter = ";" if ";" in header else ","
    lines = [header, *(delimiter.join(cells) for cells in CELLS), "é"]
    source = read_customers(io.BytesIO("\n".join(lines).encode(encoding)), region="US")
    shown = [repr(source), str(source.mapping), repr(source.mapping), str(source.options())]
    records = source.records()
    assert isinstance(records, Iterator)
    for record in records:
        row = source.row(record)
        shown += [repr(record), repr(row), *row.warnings, *row.opted_out.values()]
        shown.append(told(row.problems, source.mapping))
        try:
            row.customer()
        except InvalidRequest as error:
            shown += ["".join(traceback.format_exception(error))]
    assert len(shown) > 4 * len(CELLS)
    for canary in (EMAIL, PHONE, "555", NAME):
        assert canary not in "\n".join(shown)


@pytest.mark.parametrize(
    "content",
    [f"{EMAIL},{PHONE}\n", f'[{{"email": "{EMAIL}"}}]', f'{{"email": "{EMAIL}"', f'"{EMAIL}\n'],
)
def test_no_error_of_a_file_shows_anybody(content: str) -> None:
    """Its traceback neither."""
    with pytest.raises(MoreGoodError) as caught:
        read_customers(io.BytesIO(content.encode()))
    said = "".join(traceback.format_exception(caught.value))
    assert EMAIL not in said.replace(repr(content), "")
    assert isinstance(caught.value, BadFile) or "first_name" in str(caught.value)


def test_the_libraries_of_phones_and_parquet_come_when_they_are_needed() -> None:
    """Not with the package, and a CSV of numbers without a country code needs neither."""
    script = (
        "import io, sys\n"
        "from moregood_async.bulk import read_csv\n"
        "list(read_csv(io.StringIO('First Name,Phone\\nAda,415 555 2671\\n')))\n"
        "assert not {'phonenumbers', 'pyarrow'} & set(sys.modules)\n"
        "list(read_csv(io.StringIO('First Name,Phone\\nAda,415 555 2671\\n'), region='US'))\n"
        "assert 'phonenumbers' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], env=unmeasured(), check=True)
