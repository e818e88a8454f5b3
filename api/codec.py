"""Temporal's remote codec: its UI and its command line read here what only we have the keys of."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, Field
from temporalio.api.common.v1 import Payload

from api.deps import Serving, require
from domain.access import Caller
from domain.errors import Malformed
from domain.value import Value
from workflows.encryption import EncryptionCodec, Undecipherable

router = APIRouter(prefix="/codec", tags=["codec"], include_in_schema=False)
"""Temporal's own protocol, and for operators: no part of what integrations are told."""

MOST = 10_000
"""Payloads in one request."""


def _base64(given: str) -> str:
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    return given


Encoded = Annotated[str, AfterValidator(_base64)]


class CodedPayload(Value):
    """A payload as protobuf writes it in JSON."""

    metadata: Annotated[dict[str, Encoded], Field(max_length=100)] = Field(default_factory=dict)
    data: Encoded = ""


class CodedPayloads(Value):
    """What is decoded or encoded together, and comes back in the same order."""

    payloads: Annotated[tuple[CodedPayload, ...], Field(max_length=MOST)] = ()


@router.get("")
async def show(caller: Annotated[Caller, require("payloads:read")]) -> dict[str, str]:
    """Ask a browser for a name and a key, which it then sends along with what the UI asks."""
    return {"message": f"Temporal's UI in this browser reads payloads as {caller.name} now."}


@router.post("/decode")
async def decode(
    body: CodedPayloads, serving: Serving, caller: Annotated[Caller, require("payloads:read")]
) -> CodedPayloads:
    """Decrypt what is encrypted; the rest comes back as it is."""
    del caller
    codec = EncryptionCodec(serving.settings.keyring)
    decoded, wrong = [], []
    for place, payload in enumerate(_payloads(body)):
        try:
            decoded += await codec.decode([payload])
        except Undecipherable as error:
            wrong.append({"pointer": f"/payloads/{place}", "message": str(error)})
    if wrong:
        raise Malformed(wrong[0]["message"], errors=wrong[:50])
    return _coded(decoded)


@router.post("/encode")
async def encode(
    body: CodedPayloads, serving: Serving, caller: Annotated[Caller, require("payloads:read")]
) -> CodedPayloads:
    """Encrypt under the current key; without one all comes back as it is."""
    del caller
    return _coded(await EncryptionCodec(serving.settings.keyring).encode(_payloads(body)))


def _payloads(body: CodedPayloads) -> list[Payload]:
    return [
        Payload(
            metadata={name: base64.b64decode(text) for name, text in each.metadata.items()},
            data=base64.b64decode(each.data),
        )
        for each in body.payloads
    ]


def _coded(payloads: list[Any]) -> CodedPayloads:
    return CodedPayloads(
        payloads=tuple(
            CodedPayload(
                metadata={name: _text(value) for name, value in each.metadata.items()},
                data=_text(each.data),
            )
            for each in payloads
        )
    )


def _text(given: bytes) -> str:
    return base64.b64encode(given).decode()
