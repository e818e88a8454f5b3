"""A row of the table of partners: settings, gateway, webhook verification and parser of each."""

import base64
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateways.webhooks import signing_key, verify

SHORTEST_KEY = 24
"""Bytes of a signing key, by Standard Webhooks 1.0."""
_EXAMPLES = ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
"""Secrets that the standard's own text and libraries show."""

Port = TypeVar("Port")
Heard = TypeVar("Heard")

Verify = Callable[[str, Mapping[str, str], bytes, datetime], str]
"""From secret, headers (names in lower case), raw body and now to the event's id.

Raises BadSignature.
"""


class PartnerSettings(BaseSettings):
    """Where a partner is and what makes each side believe the other.

    A partner's subclass names the variables' prefix; what it gives as defaults is for development,
    and production refuses to start with its key or secret.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    url: str
    api_key: SecretStr
    """Our credential there."""
    webhook_secret: SecretStr
    """What signs its webhooks to us."""

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable that a field is read from."""
        return f"{cls.model_config.get('env_prefix', '')}{field.upper()}"

    @classmethod
    def signing_key(cls, secret: SecretStr) -> bytes:
        """Return what a webhook secret stands for; raises ValueError.

        A partner with a scheme of its own for webhooks has a method of its own.
        """
        return signing_key(secret.get_secret_value())

    @classmethod
    def given(cls, field: str) -> SecretStr | None:
        """Return what the code gives as a default, if it gives one."""
        default = cls.model_fields[field].default
        return default if isinstance(default, SecretStr) else None


def worthless_secrets(partners: Collection[PartnerSettings]) -> Iterator[str]:
    """Say of each variable with a key or secret that protects nothing why, all partners together.

    Published is a value that the code gives to any partner; webhook secrets are compared decoded.
    """
    api_keys = {_text(each.given("api_key")) for each in partners}
    published = {base64.b64decode(example) for example in _EXAMPLES}
    for each in partners:
        secret = each.given("webhook_secret")
        if secret is not None:
            published.add(each.signing_key(secret))
    taken: dict[bytes, str] = {}
    for each in partners:
        if _text(each.api_key) in {"", *api_keys}:
            yield f"{each.variable('api_key')} is empty or published"
        name = each.variable("webhook_secret")
        try:
            key = each.signing_key(each.webhook_secret)
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        if key in published:
            yield f"{name} is published"
        elif len(key) < SHORTEST_KEY:
            yield f"{name} has {len(key)} bytes, and {SHORTEST_KEY} are the least"
        elif key in taken:
            yield f"{name} is the same as {taken[key]}"
        taken.setdefault(key, name)


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value().strip()


@dataclass(frozen=True, kw_only=True)
class Partner(Generic[Port, Heard]):
    """A row of the table of partners; each kind of partner has a subclass beside its port."""

    webhooks: str
    """Its name in the table, in the address of its webhooks and on the facts that it tells."""
    name: str
    """Its name on our documents: a shipment's carrier, a payment's provider."""
    settings: type[PartnerSettings]
    connect: Callable[[str, str], Port]
    """From base URL and API key to the gateway."""
    parse: Callable[[bytes], Heard]
    """From a verified body to what it says; raises UnknownEvent and IrrelevantEvent."""
    verify: Verify = verify
