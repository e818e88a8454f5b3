"""HTTP/1.1 by hand, because no client sends what attackers do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE = 30.0


@dataclass(frozen=True)
class Wish:
    """One request, as it goes over the wire."""

    source: str
    """Who made it up."""
    method: str
    target: str
    """Percent-encoded, or not: as it is sent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def written(self, host: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body or self.method in ("POST", "PATCH", "PUT"):
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines)
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + self.body

    def told(self, url: str) -> str:
        """Return it as a line for curl, with its body as Python writes bytes."""
        headers = " ".join(
            f"-H {f'{name}: {value}'!r}"
            for name, value in self.headers.items()
            if name != "Authorization"
        )
        return (
            f"[{self.source}] curl -X {self.method} {url}{self.target[:500]} {headers[:1500]}"
            + (f" --data-binary {self.body[:3000]!r}" if self.body else "")
        )


class Wire:
    """One connection, opened again whenever the server has closed it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = str(place.hostname), int(place.port or 80)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, wish: Wish) -> tuple[int, bytes]:
        """Return the status and the body of the answer; status 0 when there was none."""
        data = wish.written(f"{self._host}:{self._port}")
        for _ in range(2):
            fresh = self._writer is None
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._try(data)
            except TimeoutError:
                self.close()
                return 0, b"no answer in time"
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                self.close()
                if fresh:
                    return 0, repr(error).encode()
        return 0, b"closed twice"

    async def _try(self, data: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            opened = await asyncio.open_connection(self._host, self._port, limit=1 << 25)
            self._reader, self._writer = opened
        assert self._reader is not None
        self._writer.write(data)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        while status == 100:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        body = b""
        if length := int(fields.get(b"content-length", b"0")):
            body = await self._reader.readexactly(length)
        if b"close" in fields.get(b"connection", b"") or b"content-length" not in fields:
            self.close()
        return status, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
