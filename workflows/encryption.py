"""Encryption of what Temporal keeps: arguments, results, failures, memos and what the UI shows.

A payload says under which key it is; without such a mark it is cleartext and read as it is, so a
run that began before there was a key goes on.
"""

import dataclasses
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from domain.keyring import NO_KEYS, Keyring

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
"""Names of Temporal's own samples, which its tools know."""
_NONCE = 12


class Undecipherable(Exception):
    """A payload under a key that this process does not have, or that was changed since."""


class EncryptionCodec(PayloadCodec):
    """AES-256-GCM with a new nonce for each payload; the key's id is authenticated with it."""

    def __init__(self, keyring: Keyring) -> None:
        """Encrypt with the ring's current key, and decrypt with all of them."""
        self._keyring = keyring
        self._ciphers = {name: AESGCM(key) for name, key in keyring.keys.items()}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt; what has no current key stays as it is."""
        name = self._keyring.current
        return list(payloads) if name is None else [self._sealed(name, each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted; raises Undecipherable."""
        return [
            self._opened(each) if each.metadata.get("encoding") == ENCODING else each
            for each in payloads
        ]

    def _sealed(self, name: str, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[name].encrypt(nonce, payload.SerializeToString(), name.encode())
        return Payload(metadata={"encoding": ENCODING, KEY_ID: name.encode()}, data=nonce + sealed)

    def _opened(self, payload: Payload) -> Payload:
        name = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Undecipherable(
                f"a payload is encrypted under the key {name!r}, and STATESET_PAYLOAD_KEYS has"
                f" {self._keyring.ids}"
            )
        nonce, sealed = payload.data[:_NONCE], payload.data[_NONCE:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, name.encode()))
        except (InvalidTag, ValueError):
            raise Undecipherable(
                f"a payload that names the key {name!r} was not encrypted with it, or was changed"
            ) from None


def encrypted(converter: DataConverter, keyring: Keyring) -> DataConverter:
    """Return the converter that writes and reads by these keys; without any it is the same.

    Messages and stack traces of failures are payloads then, too.
    """
    if not keyring.keys:
        return converter
    reading = dataclasses.replace(converter, payload_codec=EncryptionCodec(keyring))
    if keyring.current is None:
        return reading
    return dataclasses.replace(
        reading, failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )


async def message_of(failure: Failure, converter: DataConverter) -> str:
    """Return what a failure says by itself; of one that cannot be decrypted, why not."""
    if not failure.HasField("encoded_attributes"):
        return failure.message
    codec = converter.payload_codec or EncryptionCodec(NO_KEYS)
    try:
        [told] = await codec.decode([failure.encoded_attributes])
    except Undecipherable as error:
        return str(error)
    [attributes] = converter.payload_converter.from_payloads([told], [dict[str, str]])
    message: str = attributes["message"]
    return message
