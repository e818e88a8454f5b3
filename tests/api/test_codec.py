"""The codec that Temporal's UI and command line ask: for operators alone, and clear about what."""

import base64
import os
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr, ValidationError

from runtime.settings import Settings
from tests.api.callers import Callers

UI = "https://temporal.example.com"


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


KEYS = f"{key('new')},{key('old')}"
PLAIN = {
    "metadata": {"encoding": base64.b64encode(b"json/plain").decode()},
    "data": base64.b64encode(b'"77 Planted Row"').decode(),
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(payload_keys=SecretStr(KEYS), ui_origins=f"https://other.example.com, {UI}")


async def coded(callers: Callers, verb: str, *payloads: Any, **rest: Any) -> httpx2.Response:
    return await callers.post(f"/codec/{verb}", {"payloads": payloads}, **rest)


async def test_what_was_encoded_is_decoded_and_the_rest_comes_back_as_it_is(
    callers: Callers,
) -> None:
    encoded = (await coded(callers, "encode", PLAIN, PLAIN)).json()["payloads"]
    assert encoded[0] != encoded[1], "the same text twice can be told apart from another one"
    assert b"Planted" not in base64.b64decode(encoded[0]["data"])
    names = [base64.b64decode(each["metadata"]["encryption-key-id"]) for each in encoded]
    assert names == [b"new", b"new"]
    decoded = await coded(callers, "decode", encoded[0], PLAIN, encoded[1])
    assert decoded.json() == {"payloads": [PLAIN] * 3}
    assert (await coded(callers, "decode")).json() == {"payloads": []}


def changed(payload: Any, **how: bytes) -> Any:
    """Return an encoded payload with other metadata or data."""
    data = how.pop("data", None)
    metadata = {name.replace("_", "-"): base64.b64encode(v).decode() for name, v in how.items()}
    return {
        "metadata": {**payload["metadata"], **metadata},
        "data": payload["data"] if data is None else base64.b64encode(data).decode(),
    }


async def test_what_cannot_be_decoded_is_refused_with_its_place_and_the_name_of_its_key(
    callers: Callers,
) -> None:
    [encoded] = (await coded(callers, "encode", PLAIN)).json()["payloads"]
    sealed = base64.b64decode(encoded["data"])
    for wrong, words in (
        (changed(encoded, encryption_key_id=b"gone"), "under the key 'gone', and"),
        (changed(encoded, encryption_key_id=b"old"), "names the key 'old' was not encrypted"),
        (changed(encoded, encryption_key_id=b"\xff"), "under the key"),
        (changed(encoded, data=sealed[:-1] + bytes([sealed[-1] ^ 1])), "or was changed"),
        (changed(encoded, data=sealed[:5]), "or was changed"),
        (changed(encoded, data=b""), "or was changed"),
    ):
        answer = await coded(callers, "decode", PLAIN, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), answer.text
        [error] = answer.json()["errors"]
        assert error["pointer"] == "/payloads/1"
        assert words in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"payloads": 1},
        {"payloads": [{"data": "no base64"}]},
        {"payloads": [{"metadata": {"encoding": "ä"}}]},
        {"payloads": [PLAIN], "more": 1},
    ],
)
async def test_a_body_that_is_none_of_the_protocol_is_malformed(
    body: Any, callers: Callers
) -> None:
    for verb in ("decode", "encode"):
        answer = await callers.post(f"/codec/{verb}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_nobody_but_an_administrator_has_anything_decoded(callers: Callers) -> None:
    for role in ("support", "operator", "finance", "integration"):
        answer = await coded(callers, "decode", PLAIN, role=role)
        assert (answer.status_code, answer.json()["command"]) == (403, "payloads:read"), role
    nobody = await callers.client.post("/codec/decode", json={"payloads": [PLAIN]})
    assert nobody.status_code == 401


async def test_a_browser_sends_the_key_as_a_password_and_nowhere_else(callers: Callers) -> None:
    secret = await callers.key("admin")
    asked = await callers.client.get("/codec")
    assert asked.status_code == 401
    assert 'Basic realm="' in asked.headers["www-authenticate"]
    for name in ("", "me"):
        known = await callers.client.get("/codec", auth=(name, secret))
        assert known.status_code == 200, known.text
    answer = await callers.client.post("/codec/decode", json={}, auth=("", secret))
    assert answer.json() == {"payloads": []}
    for path, auth in (
        ("/codec", ("", "sk_wrong")),
        ("/codec", ("", "a b")),
        ("/customers", ("", secret)),
        ("/codecs", ("", secret)),
    ):
        refused = await callers.client.get(path, auth=auth)
        assert refused.status_code in (401, 404), path
    for broken in ("Basic", "Basic §", "Basic " + base64.b64encode(b"\xff:\xff").decode()):
        refused = await callers.client.get("/codec", headers={"Authorization": broken.encode()})
        assert refused.status_code == 401


async def test_pages_of_the_ui_alone_may_ask(callers: Callers) -> None:
    def headers(origin: str) -> dict[str, str]:
        return {"Origin": origin}

    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-namespace,authorization",
    }
    client = callers.client
    allowed = await client.options("/codec/decode", headers={**headers(UI), **preflight})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == UI
    assert allowed.headers["access-control-allow-credentials"] == "true"
    answer = await coded(callers, "decode", PLAIN, headers=headers(UI))
    assert answer.headers["access-control-allow-origin"] == UI
    told = await client.post("/codec/decode", json={}, headers=headers(UI))
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (401, UI)
    foreign = headers("https://evil.example.com")
    refused = await client.options("/codec/decode", headers={**foreign, **preflight})
    assert refused.status_code == 400
    for path in ("/codec/decode", "/orders"):
        origin = foreign if path == "/codec/decode" else headers(UI)
        answer = await callers.ask("POST", path, json={}, headers=origin)
        assert "access-control-allow-origin" not in answer.headers, path


@pytest.mark.parametrize("origins", ["*", "https://a.example.com/path", "temporal.example.com"])
def test_an_origin_that_would_let_in_others_is_no_setting(origins: str) -> None:
    with pytest.raises(ValidationError, match="origins are like"):
        Settings(ui_origins=origins)
