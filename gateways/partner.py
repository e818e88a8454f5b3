"""A row of the table of partners: settings, gateway, webhook verification and parser of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateways.webhooks import verify

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

    def default_secrets(self) -> list[str]:
        """Return the variables that still have the values that the code gives."""
        fields = type(self).model_fields
        return [
            self.variable(name)
            for name in ("api_key", "webhook_secret")
            if getattr(self, name) == fields[name].default
        ]


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
    """From a verified body to what it says; raises UnknownEvent."""
    verify: Verify = verify
