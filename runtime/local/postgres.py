"""The embedded PostgreSQL: made on first use, started, stopped and repaired."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg

from runtime.local.binaries import SHARED, postgres_bin, reachable, unprivileged
from runtime.local.children import POLL, CannotStart, Child, spawn, stop_stranger

DATABASE = "stateset"
USER = "stateset"
START_PATIENCE = 60.0
"""Seconds; replaying the write-ahead log after a crash is what may take long."""
STOP_PATIENCE = 30.0
LEFTOVER_PATIENCE = 30.0
LEFTOVER_PAUSE = 0.25
STILL_ENDING = "pre-existing shared memory block"
"""What PostgreSQL says while a session of its killed predecessor has not noticed yet."""

SMALL_BOX: Mapping[str, str] = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "128MB",
        "jit": "off",
        # Parallel plans need /dev/shm, of which containers have 64 MB.
        "max_parallel_workers_per_gather": "0",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)


class Postgres:
    """One server over ``<data_dir>/postgres``; it listens on 127.0.0.1 only."""

    def __init__(
        self,
        data_dir: Path,
        port: int,
        *,
        programs: Path | None = None,
        options: Mapping[str, str] = SMALL_BOX,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._port = port
        self._configured = programs
        self._options = options
        self._user = unprivileged()
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The running server."""
        if self._child is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._child

    async def start(self) -> str:
        """Start the server and return the database's URL. Raises CannotStart."""
        make_folder(self._data_dir)
        programs = postgres_bin(self._configured, for_others=self._user is not None)
        password = self._password()
        cluster = self._home() / "data"
        if not cluster.exists():
            await self._initialise(programs, cluster, password)
        self._refuse_other_version(programs, cluster)
        await stop_leftover(cluster)
        options = {**self._options, "listen_addresses": "127.0.0.1", "port": str(self._port)}
        # Without sockets there is no path to be too long and no file for a crash to leave behind.
        options["unix_socket_directories"] = ""
        settings = [text for pair in options.items() for text in ("-c", "=".join(pair))]
        command = [str(programs / "postgres"), "-D", str(cluster), *settings]
        await self._serve(command, password)
        return f"postgresql://{USER}:{password}@127.0.0.1:{self._port}/{DATABASE}"

    async def _serve(self, command: list[str], password: str) -> None:
        """Start the server, again while the last processes of one that was killed are ending."""
        deadline = time.monotonic() + LEFTOVER_PATIENCE
        while True:
            self._child = self._spawn("postgres", command, signal.SIGINT)
            try:
                await self._wait_until_it_serves(password)
            except BaseException as error:
                await self.stop()
                ending = isinstance(error, CannotStart) and STILL_ENDING in str(error)
                if not ending or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(LEFTOVER_PAUSE)
            else:
                return

    async def stop(self) -> None:
        """Disconnect everybody, write everything down and stop; no recovery follows."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT, STOP_PATIENCE)
            self._child = None

    async def answers(self) -> bool:
        """Whether the server lets us in and answers; that it is full is an answer, too."""
        try:
            connection = await self._connect(self._password(), DATABASE)
        except asyncpg.TooManyConnectionsError:
            return True
        try:
            return bool(await connection.fetchval("SELECT true"))
        finally:
            connection.terminate()

    def _spawn(self, name: str, argv: list[str], at_our_death: signal.Signals) -> Child:
        """Start one of PostgreSQL's programs as the user that it insists on."""
        return spawn(
            name,
            argv,
            log=self._data_dir / "logs" / "postgres.log",
            at_our_death=at_our_death,
            cwd=Path("/"),
            user=None if self._user is None else self._user.pw_uid,
            group=None if self._user is None else self._user.pw_gid,
        )

    def _password(self) -> str:
        """Return the superuser's password, made before the cluster that knows it."""
        path = self._data_dir / "postgres.password"
        if not path.exists():
            new = path.with_suffix(".new")
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
            new.rename(path)
        return path.read_text().strip()

    def _home(self) -> Path:
        """Return the server's own folder; a link to a shared place when ours is private to root."""
        home = self._data_dir / "postgres"
        if home.exists() or self._user is None:
            home.mkdir(mode=0o700, exist_ok=True)
            return home.resolve()
        home.unlink(missing_ok=True)
        if reachable(self._data_dir):
            home.mkdir(mode=0o700)
        else:
            SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
            home.symlink_to(tempfile.mkdtemp(prefix="postgres-", dir=SHARED))
        os.chown(home, self._user.pw_uid, self._user.pw_gid)
        return home.resolve()

    async def _initialise(self, programs: Path, cluster: Path, password: str) -> None:
        """Make the cluster beside its place and rename it, so that half a cluster is never used."""
        new, secret = cluster.with_name("data.new"), cluster.with_name("password")
        shutil.rmtree(new, ignore_errors=True)
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(password)
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        command = [str(programs / "initdb"), "-D", str(new), "-U", USER, "-E", "UTF8"]
        command += ["--no-locale", "-A", "scram-sha-256", f"--pwfile={secret}"]
        child = self._spawn("initdb", command, signal.SIGKILL)
        try:
            if await child.wait() != 0:
                raise CannotStart(f"initdb failed:\n{child.last_words()}")
        finally:
            await child.stop(signal.SIGTERM, 5)
            secret.unlink()
        new.rename(cluster)

    def _refuse_other_version(self, programs: Path, cluster: Path) -> None:
        written = (cluster / "PG_VERSION").read_text().strip()
        answer = subprocess.run(
            [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
        if f"PostgreSQL) {written}" not in answer.stdout:
            raise CannotStart(
                f"{cluster} was written by PostgreSQL {written}, but {programs} has "
                f"{answer.stdout.strip() or answer.stderr.strip()}; dump and restore it, or set "
                "STATESET_POSTGRES_BIN to the matching programs"
            )

    async def _wait_until_it_serves(self, password: str) -> None:
        """Wait by connecting, which also makes the database when it is not there yet."""
        deadline = time.monotonic() + START_PATIENCE
        while True:
            try:
                connection = await self._connect(password, DATABASE)
            except asyncpg.InvalidCatalogNameError:
                connection = await self._connect(password, "postgres")
                await connection.execute(f"CREATE DATABASE {DATABASE}")
            except asyncpg.InvalidPasswordError as error:
                raise CannotStart(
                    f"PostgreSQL does not accept {self._data_dir / 'postgres.password'}"
                ) from error
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                if not self.child.running or time.monotonic() > deadline:
                    raise CannotStart(
                        f"PostgreSQL does not start:\n{self.child.last_words()}"
                    ) from None
                await asyncio.sleep(POLL)
                continue
            await connection.close()
            return

    async def _connect(self, password: str, database: str) -> Any:
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self._port,
            user=USER,
            password=password,
            database=database,
            ssl=False,
            timeout=5,
        )


def make_folder(folder: Path) -> None:
    """Make our data folder, private but for root, whose PostgreSQL user must pass through it."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


async def stop_leftover(cluster: Path) -> None:
    """Stop a server that outlived its parent, and forget the pid of one that was killed.

    PostgreSQL itself refuses to start when any process at all has the recorded id, which after a
    restart of a container is likely. Its own check of shared memory still guards the files.
    """
    record = cluster / "postmaster.pid"
    try:
        pid = int(record.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    await stop_stranger(pid, f"-D {cluster}", signal.SIGINT, STOP_PATIENCE)
    record.unlink(missing_ok=True)


def remove(data_dir: Path) -> None:
    """Delete the files of a stopped server, those outside ``data_dir`` too."""
    home = data_dir / "postgres"
    if home.is_symlink():
        shutil.rmtree(home.resolve(), ignore_errors=True)
        home.unlink()
    else:
        shutil.rmtree(home, ignore_errors=True)
