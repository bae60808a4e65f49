"""The database: restarts, kills, foreign files, transactions and threads."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from moregood_async import ConfigurationError
from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.store import Store
from tests.sandbox.api import Api


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a sandbox's database."""
    return tmp_path / "sandbox.sqlite"


async def test_customers_clock_suspension_and_rotated_key_survive_a_restart(file: Path) -> None:
    """The seed of the first run decides the uuids of the second one too."""
    with Sandbox(keys=["one", "two"], db=file, seed=5) as sandbox:
        ada = await Api(sandbox, "one").upsert_ada()
        sandbox.advance(days=100)
        sandbox.suspend("two")
        sandbox.rotate_key("one", "new")
        now = sandbox.now
    with Sandbox(keys=["new", "two"], db=str(file), seed=6) as sandbox:
        assert await Api(sandbox, "new").list("/customers") == [
            {name: value for name, value in ada.items() if name != "location"}
        ]
        assert sandbox.now == now
        assert await Api(sandbox, "two").status("GET", "/customers") == 403
        assert await Api(sandbox, "one").status("GET", "/customers") == 401


async def test_the_files_of_the_database_contain_no_key(file: Path) -> None:
    """They contain a hash of the key. SQLite writes several files."""
    with Sandbox(keys="a-very-secret-key", db=file) as sandbox:
        await Api(sandbox, "a-very-secret-key").upsert_ada()
        sandbox.rotate_key("a-very-secret-key", "another-secret-key")
        written = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"ada@example.com" in written
    assert b"secret" not in written


def test_effects_with_a_response_survive_a_kill_of_the_process(file: Path) -> None:
    code = """if True:
        import asyncio, os, signal, sys
        from moregood_async import MoreGoodClient
        from moregood_async.sandbox import Sandbox
        async def main():
            client = MoreGoodClient("test-key", transport=Sandbox(db=sys.argv[1]))
            for n in range(20):
                await client.customers.upsert(first_name="Ada", email=f"{n}@example.com")
            await client.asks.create(email="0@example.com", channels=["email"], reminders_count=1)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """
    killed = subprocess.run([sys.executable, "-c", code, str(file)], check=False, timeout=30)
    assert killed.returncode != 0
    with Sandbox(db=file) as sandbox:
        sandbox.advance(days=10_000)  # the other process lived in real time
        audit = sandbox.audit()
    assert audit.customers == 20
    assert audit.asks == 1
    assert audit.messages_sent == 2


def test_the_database_of_another_program_is_refused_and_not_changed(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("CREATE TABLE theirs (id)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="not a sandbox's"):
        Sandbox(db=file)
    assert file.read_bytes() == before


def test_a_file_that_is_not_a_database_is_refused(file: Path) -> None:
    file.write_text("first_name,email\n" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Sandbox(db=file)


@pytest.mark.parametrize("version", [0, 99])
def test_a_database_of_another_version_is_refused(file: Path, version: int) -> None:
    Sandbox(db=file).close()
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(f"PRAGMA user_version = {version}")
    other.close()
    with pytest.raises(ConfigurationError, match="another version"):
        Sandbox(db=file)


def test_a_sandbox_can_be_closed_twice(file: Path) -> None:
    with Sandbox(db=file) as sandbox:
        sandbox.close()
    sandbox.close()


def test_a_transaction_that_raises_leaves_no_effect() -> None:
    """The store works afterwards."""
    store = Store(None, 0)

    def fail() -> None:
        with store.transaction():
            store.save_setting("a", "b")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.transaction():
        assert store.load_setting("a", "nothing") == "nothing"
    store.close()


async def test_threads_can_share_a_sandbox() -> None:
    """One thread sends requests while another one audits and advances the clock."""
    with Sandbox() as sandbox:
        api, errors, done = Api(sandbox), list[BaseException](), threading.Event()

        def watch() -> None:
            try:
                while not done.is_set():
                    sandbox.audit()
                    sandbox.advance(seconds=1)
            except BaseException as error:
                errors.append(error)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for number in range(200):
            await api.upsert_ada(email=f"{number}@example.com", phone=None)
            await api.send("GET", f"/x{number}")
        done.set()
        watcher.join()
        assert errors == []
        assert sandbox.audit().requests == {"customers.upsert": 200, "other": 200}
