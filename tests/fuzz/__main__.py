"""``make fuzz``: many thousands of odd requests; none may get a 5xx, and memory stays bounded."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.running import fuzz
from tests.installation import running


async def _main(folder: Path, seed: int, requests: int) -> bool:
    began = time.monotonic()
    async with running(folder) as installation:
        found = await fuzz(installation, seed, requests)
        await installation.stop()
    print("\n".join(found.lines()))
    print(f"again with SEED={seed} REQUESTS={requests} ({time.monotonic() - began:.0f} s)")
    return found.sound


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--requests", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stateset-fuzz-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        held = asyncio.run(_main(folder, given.seed, given.requests))
    sys.exit(not held)


if __name__ == "__main__":
    main()
