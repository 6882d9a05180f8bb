"""Event loops, threads, and the end of the process."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import veilfold
from conftest import run, store
from veilfold import _native
from veilfold import _calls
from veilfold._calls import answered, told


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own, which must end by itself."""
    program = textwrap.dedent(code)
    command = [sys.executable, "-W", "error", "-c", program, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_one_client_serves_several_loops(tmp_path: Path) -> None:
    alice = run(veilfold.open(store(tmp_path, "alice")))
    space = run(alice.create_space())
    errors: list[BaseException] = []

    def work(n: int) -> None:
        async def story() -> None:
            c = space.collection("c")
            changes = c.live()
            await anext(changes)
            for _ in range(20):
                await c.increment("n", f"t{n}")
            await anext(changes)

        try:
            run(story())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert run(space.collection("c").get("n")) == {f"t{n}": 20 for n in range(4)}
    run(alice.close())


def test_a_panic_is_an_error_and_the_client_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")) as alice:
            space = await alice.create_space()
            with pytest.raises(veilfold.Internal):
                told(_native.panic_at_once)
            with pytest.raises(veilfold.Internal):
                await answered(_calls.DONE, _native.panic_in_a_task)
            await space.collection("c").put("d", {"still": "here"})
            assert await space.collection("c").get("d") == {"still": "here"}

    run(story())


def test_a_store_is_open_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with await veilfold.open(store(tmp_path, "alice")):
            with pytest.raises(veilfold.Invalid) as caught:
                await veilfold.open(store(tmp_path, "alice"))
            assert caught.value.code == "store_in_use"
            other = python(
                """
                import asyncio, sys, veilfold
                try:
                    asyncio.run(veilfold.open(sys.argv[1] + "/alice.db"))
                except veilfold.Invalid as error:
                    print(error.code)
                """,
                tmp_path,
            )
            assert (other.stdout, other.stderr, other.returncode) == ("store_in_use\n", "", 0)
        async with await veilfold.open(store(tmp_path, "alice")):
            pass

    run(story())


@pytest.mark.parametrize("ending", ["return", "sys.exit(3)", "raise SystemExit(3)"])
def test_a_process_ends_with_streams_open(tmp_path: Path, ending: str) -> None:
    ended = python(
        f"""
        import asyncio, sys, veilfold

        async def main():
            async with veilfold.testing.relay() as relay:
                alice = await veilfold.open(sys.argv[1] + "/alice.db", relay=relay.url)
                space = await alice.create_space()
                c = space.collection("c")
                global kept
                kept = [alice, c.live(), space.status_stream(), alice.events(), space]
                for stream in kept[1:3]:
                    await anext(stream)
                kept += [asyncio.ensure_future(anext(stream)) for stream in kept[1:4]]
                receipt = await c.put("a", {{}})
                await receipt.settled()
                await asyncio.sleep(0.01)
                {ending}

        asyncio.run(main())
        """,
        tmp_path,
    )
    assert ended.stderr == ""
    assert ended.returncode == (0 if ending == "return" else 3)


@pytest.mark.parametrize("kept", ["space", "space.collection('c')", "space.collection('c').live()"])
def test_a_client_of_which_only_a_part_is_kept_is_closed_at_the_end(kept: str, tmp_path: Path) -> None:
    ended = python(
        f"""
        import atexit, gc, subprocess, sys

        path = sys.argv[1] + "/alice.db"
        opens = "import sys, veilfold.sync; veilfold.sync.open(sys.argv[1])"

        @atexit.register
        def after_veilfold():  # what was registered first is called last
            gc.collect()
            print(subprocess.run([sys.executable, "-c", opens, path]).returncode)

        import asyncio, veilfold

        async def main():
            space = await (await veilfold.open(path)).create_space()
            return {kept}

        kept = asyncio.run(main())
        gc.collect()
        """,
        tmp_path,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("0\n", "", 0)


@pytest.mark.parametrize("after", ["", "asyncio.run(alice.close())", "del alice, waits; gc.collect()"])
@pytest.mark.parametrize("closing", ["loop.close()", "pass"])
def test_a_loop_is_given_up_with_calls_under_way(closing: str, after: str, tmp_path: Path) -> None:
    """Also one that is open: the mutators of each open client wait in its loop."""
    ended = python(
        f"""
        import asyncio, gc, sys, time, warnings, veilfold

        async def story():
            alice = await veilfold.open(sys.argv[1] + "/alice.db")
            c = (await alice.create_space()).collection("c")
            waits = [asyncio.ensure_future(anext(alice.events())), asyncio.ensure_future(c.put("a", {{}}))]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return alice, waits

        loop = asyncio.new_event_loop()
        alice, waits = loop.run_until_complete(story())
        {closing}
        time.sleep(0.05)  # the write is answered
        {after}
        asyncio.run(veilfold.open(sys.argv[1] + "/bob.db"))
        warnings.simplefilter("ignore", ResourceWarning)  # where the app closes no loop, asyncio says so
        """,
        tmp_path,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 0)


def test_a_process_ends_while_another_thread_waits(tmp_path: Path) -> None:
    ended = python(
        """
        import sys, threading, veilfold.sync

        alice = veilfold.sync.open(sys.argv[1] + "/alice.db")
        c = alice.create_space().collection("c")
        changes = c.live()
        print(len(next(changes).rows))
        ready = threading.Event()

        def wait():
            ready.set()
            for change in changes:
                pass

        threading.Thread(target=wait, daemon=True).start()
        ready.wait()
        for n in range(50):
            c.put(str(n), {})
        """,
        tmp_path,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("0\n", "", 0)


def test_a_process_ends_while_its_own_threads_run_loops(tmp_path: Path) -> None:
    ended = python(
        """
        import asyncio, sys, threading, time, veilfold

        started = threading.Event()

        async def busy(n):
            try:
                alice = await veilfold.open(f"{sys.argv[1]}/{n}.db")
                space = await alice.create_space()
                c = space.collection("c")
                changes = c.live()
                while True:
                    await c.increment("a", "n")
                    await anext(changes)
                    started.set()
            except StopAsyncIteration:
                pass
            except veilfold.Invalid as error:
                assert error.code in ("closed", "process_ending"), error

        for n in range(3):
            threading.Thread(target=lambda n=n: asyncio.run(busy(n)), daemon=True).start()
        started.wait()
        time.sleep(0.05)
        """,
        tmp_path,
    )
    assert (ended.stderr, ended.returncode) == ("", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_told_and_ends(tmp_path: Path) -> None:
    ended = python(
        """
        import os, sys, veilfold, veilfold.sync

        alice = veilfold.sync.open(sys.argv[1] + "/alice.db")
        c = alice.create_space().collection("c")
        child = os.fork()
        if child == 0:
            try:
                c.put("a", {})
            except veilfold.Invalid as error:
                print(error.code, flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        c.put("a", {})
        """,
        tmp_path,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("process_ending\n", "", 0)


class Keys:
    """A key store in memory that can fail."""

    def __init__(self) -> None:
        self.roots: dict[str, bytes] = {}
        self.threads: set[str] = set()
        self.error: Exception | None = None

    def load_root(self, id: str) -> bytes | None:
        self.threads.add(threading.current_thread().name)
        if self.error is not None:
            raise self.error
        return self.roots.get(id)

    def store_root(self, id: str, root: bytes) -> None:
        self.roots[id] = root

    def delete_root(self, id: str) -> None:
        self.roots.pop(id, None)


def test_an_app_brings_its_own_key_store(tmp_path: Path) -> None:
    async def story() -> None:
        keys = Keys()
        async with await veilfold.open(store(tmp_path, "alice"), key_store=keys) as alice:
            await alice.create_space()
        assert [len(root) for root in keys.roots.values()] == [32]
        assert threading.current_thread().name not in keys.threads
        assert list(tmp_path.glob("*.key")) == []
        async with await veilfold.open(store(tmp_path, "alice"), key_store=keys) as alice:
            assert len(await alice.spaces()) == 1
        for broken, code in ((Keys(), "keys_lost"), (keys, "vault_failed")):
            keys.error = RuntimeError("secret")
            with pytest.raises(veilfold.Corrupt) as caught:
                await veilfold.open(store(tmp_path, "alice"), key_store=broken)
            assert caught.value.code == code
            assert "secret" not in caught.value.detail

    run(story())
