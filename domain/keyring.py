"""The keys under which Temporal's payloads are kept: one writes, all read."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CLEARTEXT = "cleartext"
"""Stands in the place of the first key where payloads are written without one."""
KEY_BYTES = 32
_NAMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Keyring:
    """Keys by their ids, and the id of the one that encrypts; None writes cleartext."""

    current: str | None = None
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def ids(self) -> str:
        """The ids of the keys, as a sentence names them."""
        return ", ".join(self.keys) or "none"


NO_KEYS = Keyring()


def read_keyring(written: str) -> Keyring:
    """Read ``id:base64,…``, of which the first encrypts, or ``cleartext`` in the first place.

    Raises ValueError, which never shows a key.
    """
    entries = [entry.strip() for entry in written.split(",")] if written.strip() else []
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(entries, start=1):
        if entry == CLEARTEXT and place == 1:
            continue
        name, _, encoded = entry.partition(":")
        if not encoded or not _NAMED.fullmatch(name):
            raise ValueError(f"entry {place} is not an id of letters, digits and ._- : base64")
        if name in keys or name == CLEARTEXT:
            raise ValueError(f"entry {place} has an id that is taken")
        keys[name] = _key(encoded, name)
    first = next(iter(keys), None)
    return Keyring(None if CLEARTEXT in entries else first, keys)


def _key(encoded: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the key {name} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key {name} has {len(key)} bytes and not {KEY_BYTES}")
    if len(set(key)) < KEY_BYTES // 4:
        raise ValueError(f"the key {name} is not random")
    return key
