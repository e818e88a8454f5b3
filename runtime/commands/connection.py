"""Where the commands find what they talk to: the running local stack, or what the settings name."""

from dataclasses import dataclass, replace

from pydantic import SecretStr

from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.partner import PartnerSettings
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.local.record import StackRecord, find_stack
from runtime.settings import Settings


class NotReachable(Exception):
    """There is no local stack, and no setting says what to use in its place."""


@dataclass(frozen=True)
class Target:
    """The addresses of one installation; None for what it does not tell."""

    database_url: str
    api_url: str | None = None
    api_key: str | None = None
    carrier_url: str | None = None
    payments_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = "default"
    payload_keys: SecretStr | None = None
    ui_url: str | None = None

    @property
    def api(self) -> str:
        """The API's address. Raises NotReachable."""
        if self.api_url is None:
            raise NotReachable("set STATESET_URL to the address of the API")
        return self.api_url

    def at_temporal(self, settings: Settings) -> Settings:
        """Return the settings by which a command connects to this installation's Temporal."""
        return settings.model_copy(
            update={
                "temporal_address": self.temporal_address,
                "temporal_namespace": self.temporal_namespace,
                "payload_keys": self.payload_keys,
                "otlp_endpoint": None,
            }
        )


def find_target(settings: Settings) -> Target:
    """Return what the settings name, and for the rest the stack that runs on their data folder.

    Raises NotReachable. The partners' simulators are only known from a local stack or from
    settings that name them, so that a real partner is never asked for a sandbox's books.
    """
    stack = find_stack(settings.data_dir)
    if settings.database_url is not None:
        return Target(
            database_url=settings.database_url,
            api_url=settings.url,
            carrier_url=_named(settings.of(SANDBOX_CARRIER)),
            payments_url=_named(settings.of(SANDBOX_PAYMENTS)),
            temporal_address=settings.temporal_address,
            temporal_namespace=settings.temporal_namespace,
            payload_keys=settings.payload_keys,
        )
    if stack is None:
        raise NotReachable(
            f"no local stack runs on {settings.data_dir}: start one with `stateset up`, or set"
            " STATESET_URL and STATESET_DATABASE_URL"
        )
    found = target_of(stack)
    return found if settings.url is None else replace(found, api_url=settings.url)


def find_api(settings: Settings, api_key: str | None) -> tuple[str, str]:
    """Return the API's address and a key for it: what is given, else the local stack's.

    Raises NotReachable.
    """
    stack = find_stack(settings.data_dir)
    url = settings.url or (stack.api_url if stack else None)
    key = api_key or (stack.api_key if stack else None)
    if url is None or key is None:
        raise NotReachable(
            f"no local stack runs on {settings.data_dir}: start one with `stateset up`, or set"
            " STATESET_URL and STATESET_API_KEY"
        )
    return url, key


def _named(partner: PartnerSettings) -> str | None:
    return partner.url if "url" in partner.model_fields_set else None


def target_of(stack: StackRecord) -> Target:
    """Return where a running local stack is."""
    return Target(
        database_url=stack.database_url,
        api_url=stack.api_url,
        api_key=stack.api_key,
        carrier_url=stack.carrier_url,
        payments_url=stack.payments_url,
        temporal_address=stack.temporal_address,
        temporal_namespace=stack.temporal_namespace,
        payload_keys=None if stack.payload_keys is None else SecretStr(stack.payload_keys),
        ui_url=stack.temporal_ui_url,
    )
