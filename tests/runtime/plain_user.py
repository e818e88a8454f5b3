"""Give up root for an ordinary user, then run the embedded PostgreSQL once and print its user."""

import asyncio
import os
import pwd
import sys
from pathlib import Path

import asyncpg

from runtime.local.binaries import postgres_bin
from runtime.local.postgres import Postgres
from tests.ports import free_port
from tests.runtime.stacks import owner_of


async def main(folder: Path) -> None:
    programs = postgres_bin(for_others=True)
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = str(folder.parent)
    server = Postgres(folder, free_port(), programs=programs)
    connection = await asyncpg.connect(await server.start())
    owner = owner_of(server.child.pid)
    sys.stdout.write(f"{await connection.fetchval('SELECT current_user')} {owner}\n")
    await connection.close()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
