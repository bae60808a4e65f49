"""A state that survives: in a file, through a restart, and through a kill."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from moregood_async import ConfigurationError
from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.store import Store
from tests.sandbox.api import Api


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a sandbox keeps its state."""
    return tmp_path / "sandbox.sqlite"


async def test_everything_survives_a_restart(file: Path) -> None:
    """Customers, uuids, the clock, a suspended project, a rotated key."""
    with Sandbox(keys=["one", "two"], db=file, seed=5) as sandbox:
        ada = await Api(sandbox, "one").customer()
        sandbox.advance(days=100)
        sandbox.suspend("two")
        sandbox.rotate_key("one", "new")
        now = sandbox.now
    with Sandbox(keys=["new", "two"], db=str(file), seed=6) as sandbox:
        assert await Api(sandbox, "new").listed("/customers") == [
            {name: value for name, value in ada.items() if name != "location"}
        ]
        assert sandbox.now == now
        assert (await Api(sandbox, "two").send("GET", "/customers")).status == 403
        assert (await Api(sandbox, "one").send("GET", "/customers")).status == 401


async def test_the_file_holds_no_key(file: Path) -> None:
    """Only a hash of it, in the file and in what SQLite writes beside it."""
    with Sandbox(keys="a-very-secret-key", db=file) as sandbox:
        await Api(sandbox, "a-very-secret-key").customer()
        sandbox.rotate_key("a-very-secret-key", "another-secret-key")
        written = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"ada@example.com" in written
    assert b"secret" not in written


def test_what_was_answered_survives_a_kill(file: Path) -> None:
    """A process that is killed after its answer has lost nothing."""
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
    assert (audit.customers, audit.asks, audit.messages_sent) == (20, 1, 2)


def test_a_file_of_somebody_else_is_left_alone(file: Path) -> None:
    """Another program's database, a later version of ours, and no database at all."""
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE theirs (id)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="not a sandbox's"):
        Sandbox(db=file)
    assert file.read_bytes() == before
    text = file.with_name("text")
    text.write_text("first_name,email\n" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Sandbox(db=text)


@pytest.mark.parametrize("version", [0, 99])
def test_a_file_of_another_version_is_refused(file: Path, version: int) -> None:
    """It is not guessed at."""
    Sandbox(db=file).close()
    with sqlite3.connect(file) as other:
        other.execute(f"PRAGMA user_version = {version}")
    other.close()
    with pytest.raises(ConfigurationError, match="another version"):
        Sandbox(db=file)


def test_closing_twice_is_fine(file: Path) -> None:
    """Also after ``with``."""
    with Sandbox(db=file) as sandbox:
        sandbox.close()
    sandbox.close()


def test_a_transaction_is_all_or_nothing() -> None:
    """What raised left no trace, and the store works on."""
    store = Store(None, 0)

    def break_off() -> None:
        with store.transaction():
            store.save_setting("a", "b")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with store.transaction():
        assert store.load_setting("a", "nothing") == "nothing"
    store.close()


async def test_threads_share_a_sandbox() -> None:
    """One serves, another audits and lets time pass: nothing breaks, nothing is lost."""
    with Sandbox() as sandbox:
        api, failed, done = Api(sandbox), list[BaseException](), threading.Event()

        def watch() -> None:
            try:
                while not done.is_set():
                    sandbox.audit()
                    sandbox.advance(seconds=1)
            except BaseException as error:
                failed.append(error)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for number in range(200):
            await api.customer(email=f"{number}@example.com", phone=None)
            await api.send("GET", f"/x{number}")
        done.set()
        watcher.join()
        assert failed == []
        assert sandbox.audit().requests == {"customers.upsert": 200, "other": 200}
