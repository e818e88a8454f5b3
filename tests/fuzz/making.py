"""Requests made up from a seed: sound ones of which one thing is wrong, and wholly wrong ones."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from standardwebhooks.webhooks import Webhook

from tests.fuzz import corpus
from tests.fuzz.wire import Wish

METHODS = ("get", "post", "patch", "put", "delete")
QUERIES = {
    "/warranties/check": "?serial=SN-1",
    "/inventory/trace": "?serial=SN-1",
    "/inventory/on_hand": "?as_of=2031-01-31T12:00:00Z",
}
"""What a sound request says in its query, where it has to say something."""


@dataclass(frozen=True)
class Known:
    """What there is at the shop to ask about."""

    description: Mapping[str, Any]
    key: str
    ids: Mapping[str, Sequence[str]]
    """By collection, such as ``/orders``."""
    bodies: Mapping[str, Sequence[Any]]
    """Sound bodies by operation, such as ``POST /orders``."""
    numbers: Sequence[str]
    """Tracking numbers."""
    secrets: Mapping[str, str]
    """Of webhooks, by provider."""
    token: str
    """Of a guest who may withdraw."""


class Maker:
    """Makes requests, the same for the same seed and shop."""

    def __init__(self, known: Known, seed: int) -> None:
        self._known = known
        self._random = Random(seed)
        self._operations = [
            (method.upper(), path, operation)
            for path, item in known.description["paths"].items()
            if not path.startswith("/webhooks")
            for method, operation in item.items()
            if method in METHODS
        ]

    def wishes(self, count: int) -> Iterator[Wish]:
        """Yield so many requests."""
        kinds = {self._body: 40, self._query: 17, self._path: 10, self._header: 13}
        kinds |= {self._token: 8, self._webhook: 12}
        made = self._random.choices(list(kinds), list(kinds.values()), k=count)
        return (make() for make in made)

    def of(self, operation: str, bodies: Sequence[Any]) -> Iterator[Wish]:
        """Yield a request for each of these bodies of an operation."""
        method, path = operation.split(" ")
        for body in bodies:
            yield self._wish("models", method, self._target(path), self._written(body))

    def each(self) -> Iterator[Wish]:
        """Yield sound requests for each operation, about two documents each: chance may miss."""
        for method, path, _ in self._operations:
            before, _, rest = path.partition("{")
            there = self._known.ids.get(before.rstrip("/"), ())[:2] if rest else ()
            for one in there or ("",):
                named = before + one + rest.partition("}")[2] if one else path
                target = self._target(named) + QUERIES.get(path, "")
                yield self._wish("sound", method, target, self._sound(method, path))

    def _wish(
        self,
        source: str,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Wish:
        given = {"Authorization": f"Bearer {self._known.key}"}
        if body:
            given["Content-Type"] = "application/json"
        if target.startswith("/guest/"):
            given["Withdrawal-Token"] = self._known.token
        if method == "POST":
            given["Idempotency-Key"] = f"fuzz-{self._random.getrandbits(64):x}"
        return Wish(source, method, target, {**given, **(headers or {})}, body)

    def _operation(self, method: str | None = None) -> tuple[str, str, Any]:
        while True:
            found = self._random.choice(self._operations)
            if method is None or found[0] == method:
                return found

    def _target(self, path: str, *, odd: bool = False) -> str:
        """Fill the names in a path with ids that there are; one of them is odd if so wanted."""
        while "{" in path:
            before, _, rest = path.partition("{")
            name, _, after = rest.partition("}")
            there = self._known.ids.get(before.rstrip("/")) or self._known.ids.get(f"{{{name}}}")
            there = there or [name]
            value = self._random.choice(corpus.WORDS if odd else there)
            path = before + (quote(value[:3000], safe="") if odd else value) + after
        return path

    def _word(self) -> str:
        return self._random.choice(corpus.WORDS)[:4000]

    def _path(self) -> Wish:
        method, path, _ = self._operation()
        raw = self._random.choice(["%ff%fe", "%2e%2e%2f", "%", "//", ";x", "%00", "\xe9", "?" * 9])
        odd = self._random.random() < 0.3
        target = path.partition("{")[0] + raw if odd else self._target(path, odd=True)
        body = self._sound(method, path)
        return self._wish("path", method, target, body)

    def _query(self) -> Wish:
        _, path, operation = self._operation("GET")
        names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
        pairs = [
            (self._random.choice([*names, "x"]), self._word())
            for _ in range(self._random.randrange(1, 4))
        ]
        query = urlencode(pairs, errors="surrogatepass")
        if self._random.random() < 0.1:
            query = self._random.choice(
                ["%ff=%fe", "&&&=", "limit=%00", "after=" + "x" * 8000, "a[]=1"]
            )
        return self._wish("query", "GET", f"{self._target(path)}?{query}")

    def _header(self) -> Wish:
        method, path, _ = self._operation()
        name = self._random.choice(list(corpus.HEADERS))
        odd = {name: self._random.choice(corpus.HEADERS[name])}
        return self._wish("header", method, self._target(path), self._sound(method, path), odd)

    def _token(self) -> Wish:
        method, path, _ = self._operation()
        parts = [
            {"alg": "RS256", "kid": "k", "typ": "JWT"},
            {"sub": "u", "iss": "i", "aud": "a", "exp": 9999999999, "scope": "", "role": "admin"},
        ]
        part = self._random.choice(parts)
        part[self._random.choice(list(part))] = self._random.choice(corpus.VALUES)
        token = ".".join(_b64(self._written(each)) for each in parts) + "." + _b64(b"x" * 64)
        if self._random.random() < 0.3:
            token = self._random.choice(
                ["", ".", "..", "a.b.c", self._known.key[:-1], "\xff", self._word()]
            )
        scheme = self._random.choice(["Bearer ", "Bearer  ", "bearer ", "Basic ", ""])
        odd = {"Authorization": f"{scheme}{token[:6000]}"}
        if self._random.random() < 0.2:
            odd["X-API-Key"] = self._word()
        return self._wish("token", method, self._target(path), self._sound(method, path), odd)

    def _body(self) -> Wish:
        method = self._random.choice(["POST", "POST", "PATCH"])
        _, path, _ = self._operation(method)
        sound = self._sound_value(method, path)
        if sound is None or self._random.random() < 0.08:
            body = self._random.choice(corpus.BROKEN)
        else:
            body = self._written(self._spoiled(sound))
        return self._wish("body", method, self._target(path), body)

    def _webhook(self) -> Wish:
        provider = self._random.choice(list(self._known.secrets))
        event = f"fuzz_{self._random.getrandbits(80):x}"
        if provider.endswith("carrier"):
            data = corpus.a_scan(self._random, self._random.choice(self._known.numbers))
            kind = "tracking.scan"
        else:
            data = corpus.an_operation(self._random)
            kind = f"operation.{data['outcome']}"
        payload = {"id": event, "type": kind, "data": data}
        body = self._written(self._spoiled(payload))
        if self._random.random() < 0.08:
            body = self._random.choice(corpus.BROKEN)
        now = datetime.now(UTC)
        try:
            signature = Webhook(self._known.secrets[provider]).sign(event, now, body.decode())
        except UnicodeDecodeError:
            signature = "v1,x"
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        if self._random.random() < 0.1:
            headers[self._random.choice(list(headers))] = self._word()[:2000]
        return Wish("webhook", "POST", f"/webhooks/{provider}", headers, body)

    def _sound_value(self, method: str, path: str) -> Any:
        found = self._known.bodies.get(f"{method} {path}")
        return json.loads(json.dumps(self._random.choice(found))) if found else None

    def _sound(self, method: str, path: str) -> bytes:
        found = self._sound_value(method, path)
        return b"" if found is None else self._written(found)

    def _spoiled(self, sound: Any) -> Any:
        """Change one thing somewhere in a body."""
        places: list[tuple[Any, Any]] = []

        def walk(value: Any) -> None:
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for name, inner in pairs:
                places.append((value, name))
                if isinstance(inner, dict | list):
                    walk(inner)

        walk(sound)
        if not places:
            return self._random.choice(corpus.VALUES)
        holder, name = self._random.choice(places)
        how = self._random.random()
        if how < 0.08:
            del holder[name]
        elif how < 0.14 and isinstance(holder, dict):
            holder[self._word()[:200]] = self._random.choice(corpus.VALUES)
        else:
            holder[name] = self._random.choice(corpus.VALUES)
        return sound

    def _written(self, body: Any) -> bytes:
        """Write JSON, what is written by hand included."""
        by_hand: list[str] = []

        def mark(value: Any) -> Any:
            if isinstance(value, corpus.Raw):
                by_hand.append(value)
                return f"@@{len(by_hand) - 1}@@"
            if isinstance(value, dict):
                return {name: mark(inner) for name, inner in value.items()}
            return [mark(inner) for inner in value] if isinstance(value, list) else value

        text = json.dumps(mark(body), ensure_ascii=False)
        for number, each in enumerate(by_hand):
            text = text.replace(f'"@@{number}@@"', each, 1)
        return text.encode("utf-8", "surrogatepass")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
