"""Standard Webhooks verification, and what the partners' events mean."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateways.carriers.sandbox import parse_carrier_event
from gateways.payments.port import Outcome, PaymentKind
from gateways.payments.sandbox import parse_payment_event
from gateways.webhooks import BadSignature, UnknownEvent, verify

# The published vector of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SENT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": SIGNATURE,
}


def test_the_published_vector_is_genuine() -> None:
    assert verify(SECRET, HEADERS, BODY, SENT) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@pytest.mark.parametrize("prefix", ["whsec_", ""])
def test_the_secret_may_lack_its_prefix(prefix: str) -> None:
    assert verify(prefix + SECRET.removeprefix("whsec_"), HEADERS, BODY, SENT)


@given(body=st.binary(), key=st.binary(min_size=24, max_size=64), name=st.uuids())
def test_agrees_with_the_reference_library(body: bytes, key: bytes, name: object) -> None:
    text = body.hex()
    headers = {
        "webhook-id": f"evt_{name}",
        "webhook-timestamp": "1614265330",
        "webhook-signature": Webhook(key).sign(f"evt_{name}", SENT, text),
    }
    secret = "whsec_" + base64.b64encode(key).decode()
    assert verify(secret, headers, text.encode(), SENT) == f"evt_{name}"
    with pytest.raises(BadSignature):
        verify(secret, headers, text.encode() + b" ", SENT)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_believed(seconds: int) -> None:
    assert verify(SECRET, HEADERS, BODY, SENT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 40 * 86_400])
def test_older_or_newer_messages_are_not_believed(seconds: int) -> None:
    with pytest.raises(BadSignature, match="five minutes"):
        verify(SECRET, HEADERS, BODY, SENT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "signatures",
    [
        f"v1,AAAA {SIGNATURE}",
        f"{SIGNATURE} v1,AAAA",
        f"v1a,ignored {SIGNATURE}",
        f"v1,not-base64! {SIGNATURE}",
    ],
)
def test_one_matching_signature_is_enough_while_a_secret_is_rotated(signatures: str) -> None:
    assert verify(SECRET, {**HEADERS, "webhook-signature": signatures}, BODY, SENT)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-id": "\ud800"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE.replace("v1", "v1a")},
        {"webhook-signature": SIGNATURE.replace("v1", "v2")},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": ("v1,AAAA " * 1000) + SIGNATURE},
    ],
)
def test_anything_else_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, {**HEADERS, **changes}, BODY, SENT)


@pytest.mark.parametrize("header", list(HEADERS))
def test_every_header_is_needed(header: str) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, {k: v for k, v in HEADERS.items() if k != header}, BODY, SENT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_is_none_never_verifies(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        verify(secret, HEADERS, BODY, SENT)


SCAN = (
    b'{"id":"evt_1","type":"tracking.scan","created_at":"2026-01-02T03:04:05Z","new_field":1,'
    b'"data":{"tracking_number":"SBX1","reference":"r","code":"DL",'
    b'"occurred_at":"2026-01-02T04:00:00+01:00","place":"Reno","message":"","signed_by":"Ada"}}'
)
CAPTURE = (
    b'{"id":"evt_2","type":"operation.failed","created_at":"2026-01-02T03:04:05Z","data":{'
    b'"id":"op_1","key":"capture/1","kind":"capture","authorization":"auth_1","authorization_expires_at":"2026-01-09T03:04:05Z","amount":1000,'
    b'"currency":"EUR","outcome":"failed","failure_code":"capture_declined"}}'
)


def test_a_scan_is_read_in_utc_and_unknown_fields_are_left_alone() -> None:
    scan = parse_carrier_event(SCAN)
    assert (scan.event_id, scan.code, scan.signed_by) == ("evt_1", "DL", "Ada")
    assert scan.occurred_at == datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_a_payment_event_tells_how_the_operation_ended() -> None:
    event = parse_payment_event(CAPTURE)
    assert (event.event_id, event.kind, event.authorization) == (
        "evt_2",
        PaymentKind.CAPTURE,
        "auth_1",
    )
    assert (event.result.key, event.result.outcome) == ("capture/1", Outcome.FAILED)
    assert (event.result.reference, event.result.amount.amount) == ("op_1", 1000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"operation.failed", b"operation.invented"),
        (b"1000", b'"1000"'),
        (b"1000", b"10.5"),
        (b"1000", b"-1"),
        (b"EUR", b"euro"),
        (b'"kind":"capture"', b'"kind":"gift"'),
        (b'"key":"capture/1",', b""),
        (b'{"id"', b"["),
        (b"op_1", b"op_\\u0000"),
        (b"op_1", b"\xff"),
    ],
)
def test_what_cannot_be_understood_is_said_so(old: bytes, new: bytes) -> None:
    with pytest.raises(UnknownEvent):
        parse_payment_event(CAPTURE.replace(old, new))
