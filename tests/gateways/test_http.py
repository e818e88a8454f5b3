"""What the gateways make of partners that misbehave below the level of their own interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import gateways.http
from gateways.failures import PartnerFailure, PartnerRefused
from gateways.payments.sandbox import SandboxPayments


@asynccontextmanager
async def answering(answer: bytes, pause: float = 0) -> AsyncIterator[SandboxPayments]:
    """A gateway to a server that says these bytes to everything, one by one when it pauses."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        step = 1 if pause else len(answer)
        try:
            for at in range(0, len(answer), step):
                writer.write(answer[at : at + step])
                await writer.drain()
                await asyncio.sleep(pause)
            writer.close()
        except ConnectionError:
            pass

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = SandboxPayments(f"http://127.0.0.1:{port}", "key")
    try:
        yield gateway
    finally:
        await gateway.aclose()
        server.close()


def response(status: str, body: bytes = b"", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


REFUSAL = b'{"error":{"code":"no","message":"never"}}'


async def test_a_refusal_in_the_partners_own_words_is_definite() -> None:
    async with answering(response("422 No", REFUSAL)) as gateway:
        with pytest.raises(PartnerRefused) as refused:
            await gateway.find("key")
    assert (refused.value.code, refused.value.message) == ("no", "never")


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"code":"no","message":null}}',
        b'{"error":{"code":"no"}}',
        b'{"error":{"code":"no","message":["never"]}}',
    ],
)
async def test_a_refusal_is_definite_whatever_its_words_for_people_look_like(body: bytes) -> None:
    """T09: the code counts; taken for an outage, the call would be repeated for ever."""
    async with answering(response("422 No", body)) as gateway:
        with pytest.raises(PartnerRefused) as refused:
            await gateway.find("key")
    assert (refused.value.code, refused.value.message) == ("no", "")


async def test_a_refusal_with_nul_can_be_stored() -> None:
    """T09: PostgreSQL cannot store NUL."""
    body = b'{"error":{"code":"n\\u0000o","message":"\\u0000"}}'
    async with answering(response("422 No", body)) as gateway:
        with pytest.raises(PartnerRefused) as refused:
            await gateway.find("key")
    assert (refused.value.code, refused.value.message) == ("n\ufffdo", "\ufffd")


@pytest.mark.parametrize("word", [b"null", b'""', b"7"])
async def test_an_operation_without_a_failure_code_is_read(word: bytes) -> None:
    """T09: a null failure_code at the provider made every answer unreadable."""
    body = (
        b'{"data":[{"id":"op_1","key":"key","kind":"capture","authorization":"auth_1",'
        b'"amount":5,"currency":"EUR","outcome":"failed","failure_code":%s}]}' % word
    )
    async with answering(response("200 OK", body)) as gateway:
        found = await gateway.find("key")
    assert found is not None
    assert found.failure_code == (word.decode() if word == b"7" else "")


@pytest.mark.parametrize(
    "answer",
    [
        response("404 Not Found", b"<html>proxy: no such host</html>"),
        response("302 Found", headers="location: http://169.254.169.254/\r\n"),
        response("500 Oops", REFUSAL),
        response("401 Unauthorized", REFUSAL),
        response("200 OK", b""),
        response("200 OK", b'{"data":[{"id":"op_1","key":"key","amount":"12"}]}'),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
    ids=lambda answer: answer[:40].decode().replace("\r\n", " "),
)
async def test_anything_else_is_an_unknown_outcome(answer: bytes) -> None:
    async with answering(answer) as gateway:
        with pytest.raises(PartnerFailure):
            await gateway.find("key")


async def test_an_answer_about_another_operation_is_an_unknown_outcome() -> None:
    other = (
        b'{"data":[{"id":"op_1","key":"other","kind":"capture","authorization":"auth_1","authorization_expires_at":"2026-01-09T03:04:05Z",'
        b'"amount":5,"currency":"EUR","outcome":"succeeded","failure_code":""}]}'
    )
    async with answering(response("200 OK", other)) as gateway:
        with pytest.raises(PartnerFailure, match="answered about other"):
            await gateway.find("key")


async def test_a_partner_that_trickles_bytes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways.http, "TOTAL_SECONDS", 0.3)
    async with answering(response("200 OK", b" " * 1000), pause=0.02) as gateway:
        with pytest.raises(PartnerFailure, match="TimeoutError"):
            await gateway.find("key")


async def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways.http, "LARGEST_ANSWER", 10_000)
    async with answering(response("200 OK", b" " * 100_000)) as gateway:
        with pytest.raises(PartnerFailure, match="too large"):
            await gateway.find("key")
