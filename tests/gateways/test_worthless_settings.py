"""Settings that protect nothing: a production process does not start with them."""

import base64

import pytest

from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.settings import Settings, settings


def secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


GOOD = {
    "STATESET_ENVIRONMENT": "production",
    "STATESET_CARRIER_API_KEY": "our own",
    "STATESET_PAYMENTS_API_KEY": "our own",
    "STATESET_CARRIER_WEBHOOK_SECRET": secret(b"c" * 24),
    "STATESET_PAYMENTS_WEBHOOK_SECRET": secret(b"p" * 24),
    "STATESET_JWKS_URL": "https://issuer.example/jwks",
}
CARRIERS = SANDBOX_CARRIER.settings.model_fields["webhook_secret"].default.get_secret_value()
PAYMENTS = SANDBOX_PAYMENTS.settings.model_fields["webhook_secret"].default.get_secret_value()
WORTHLESS = {
    "published": ("STATESET_CARRIER_WEBHOOK_SECRET", CARRIERS),
    "published, without its prefix": (
        "STATESET_CARRIER_WEBHOOK_SECRET",
        CARRIERS.removeprefix("whsec_"),
    ),
    "published, without its padding": ("STATESET_CARRIER_WEBHOOK_SECRET", CARRIERS.rstrip("=")),
    "swapped": ("STATESET_CARRIER_WEBHOOK_SECRET", PAYMENTS),
    "swapped the other way": ("STATESET_PAYMENTS_WEBHOOK_SECRET", CARRIERS),
    "the standard's example": (
        "STATESET_CARRIER_WEBHOOK_SECRET",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ),
    "of one byte": ("STATESET_PAYMENTS_WEBHOOK_SECRET", secret(b"x")),
    "of 23 bytes": ("STATESET_PAYMENTS_WEBHOOK_SECRET", secret(b"x" * 23)),
    "empty": ("STATESET_PAYMENTS_WEBHOOK_SECRET", ""),
    "nothing but the prefix": ("STATESET_PAYMENTS_WEBHOOK_SECRET", "whsec_"),
    "no base64": ("STATESET_PAYMENTS_WEBHOOK_SECRET", "whsec_ä" + "x" * 40),
    "the other partner's": (
        "STATESET_PAYMENTS_WEBHOOK_SECRET",
        GOOD["STATESET_CARRIER_WEBHOOK_SECRET"].removeprefix("whsec_"),
    ),
    "a published key": ("STATESET_CARRIER_API_KEY", "sandbox-carrier-key"),
    "a swapped key": ("STATESET_CARRIER_API_KEY", "sandbox-payments-key"),
    "an empty key": ("STATESET_PAYMENTS_API_KEY", " "),
    "keys by http": ("STATESET_JWKS_URL", "http://issuer.example/jwks"),
    "keys from nowhere": ("STATESET_JWKS_URL", ""),
    "a body limit of -1": ("STATESET_BODY_LIMIT", "-1"),
    "a body limit of 0": ("STATESET_BODY_LIMIT", "0"),
    "no connections": ("STATESET_MAX_CONNECTIONS", "0"),
    "no time for a statement": ("STATESET_STATEMENT_TIMEOUT", "0"),
    "no places": ("STATESET_MAX_ACTIVITIES", "0"),
}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_production_starts_with_secrets_of_its_own(production: pytest.MonkeyPatch) -> None:
    """D13: 24 bytes are enough, with the prefix or without."""
    assert settings.__wrapped__().environment == "production"
    production.setenv("STATESET_CARRIER_WEBHOOK_SECRET", "d" * 32)
    assert settings.__wrapped__().environment == "production"


@pytest.mark.parametrize(("variable", "value"), WORTHLESS.values(), ids=WORTHLESS)
def test_production_refuses_what_protects_nothing(
    variable: str, value: str, production: pytest.MonkeyPatch
) -> None:
    """D13: the process ends and names the setting, without its value."""
    production.setenv(variable, value)
    with pytest.raises(SystemExit, match=variable) as refused:
        settings.__wrapped__()
    assert len(value) < 5 or value not in str(refused.value)


def test_every_worthless_setting_is_named_at_once(production: pytest.MonkeyPatch) -> None:
    """D13: one start tells all."""
    for variable, value in (WORTHLESS["published"], WORTHLESS["empty"], WORTHLESS["keys by http"]):
        production.setenv(variable, value)
    with pytest.raises(SystemExit) as refused:
        settings.__wrapped__()
    named = [word for word in str(refused.value).split() if word.startswith("STATESET_")]
    assert [name.strip(":") for name in named] == [
        "STATESET_JWKS_URL",
        "STATESET_CARRIER_WEBHOOK_SECRET",
        "STATESET_PAYMENTS_WEBHOOK_SECRET",
    ]


def test_development_starts_with_what_the_code_gives() -> None:
    """D13: the sandbox needs no settings."""
    assert Settings().environment == "development"
