"""Every setting of a process, read from ``STATESET_*`` and ``TEMPORAL_*`` variables."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.limits.addresses import networks
from domain.keyring import Keyring, read_keyring
from domain.money import Amount, Currency
from domain.orders.placing import Service
from domain.policy import Days, Policy, ReturnCost, ShippingRefund, Tolerance, Units
from gateways.partner import Partner, PartnerSettings, worthless_secrets
from gateways.partners import PARTNERS


def _seconds(given: object) -> object:
    if isinstance(given, str) and given.replace(".", "", 1).isdigit():
        return float(given)
    return given


def _networks(given: str) -> str:
    networks(given)
    return given


def _origins(given: str) -> str:
    for origin in filter(None, given.split(",")):
        if not _ORIGIN.fullmatch(origin.strip()):
            raise ValueError("origins are like https://temporal.example.com, with commas")
    return given


def _keyring(given: SecretStr | None) -> SecretStr | None:
    read_keyring(given.get_secret_value() if given else "")
    return given


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
Duration = Annotated[timedelta, BeforeValidator(_seconds)]
"""A plain number counts seconds; otherwise ISO 8601, such as ``PT30M``."""


class Settings(BaseSettings):
    """One frozen object per process. Durations are ISO 8601 (``PT30M``) or seconds."""

    model_config = SettingsConfigDict(env_prefix="STATESET_", frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path(".stateset")
    """Where the local stack keeps its databases, logs and keys."""
    url: str | None = None
    """The API that the command line talks to; by default the local stack of ``data_dir``."""

    # PostgreSQL
    database_url: str | None = None
    """``postgresql://user:password@host:port/name``; unset means the embedded server."""
    database_pool: int = Field(default=20, ge=2, le=500)
    database_share: float = Field(default=0.5, gt=0, le=1)
    """How much of an API process's pool one caller may hold at once."""
    statement_timeout: Duration = Field(default=timedelta(seconds=5), gt=timedelta())
    lock_timeout: Duration = Field(default=timedelta(seconds=3), gt=timedelta())

    # Temporal. TLS and API key come from its own names, TEMPORAL_TLS_* and TEMPORAL_API_KEY.
    temporal_address: str | None = None
    """``host:port``; unset means the embedded server."""
    temporal_namespace: str = "default"
    task_queue: str = "stateset"
    payload_keys: Annotated[SecretStr | None, AfterValidator(_keyring)] = None
    """``id:base64,…``: under the first is encrypted what Temporal keeps, all decrypt."""

    # Local stack. Port 0 means any free one.
    postgres_port: int = Field(default=5433, ge=0, le=65535)
    postgres_bin: Path | None = None
    """The folder with PostgreSQL's programs; unset means those of the ``local`` extra."""
    temporal_port: int = Field(default=7233, ge=0, le=65535)
    temporal_bin: Path | None = None
    """Temporal's command line program; unset means that of the ``local`` extra."""
    ui_port: int = Field(default=8233, ge=0, le=65535)

    # HTTP
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    sdk_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker serves the metrics of the Temporal SDK; unset means nowhere."""
    body_limit: int = Field(default=1_000_000, ge=1)
    max_connections: int = Field(default=800, ge=1)
    request_timeout: Duration = Field(
        default=timedelta(seconds=15), gt=timedelta(), le=timedelta(seconds=45)
    )
    """At most 45 s: a request that takes longer than 60 s is believed dead, and its key taken."""
    caller_rate: float = Field(default=500, ge=0, le=1_000_000)
    """Requests per second that a caller may ask in the long run; 0: any number."""
    caller_burst: int = Field(default=5000, ge=1)
    caller_requests: int = Field(default=200, ge=0)
    """Requests of one caller that are served at once; 0: any number."""
    caller_answers: int = Field(default=1_000_000, ge=0)
    """Answers kept for repeats that one caller may cause in a day; 0: any number."""
    max_requests: int = Field(default=400, ge=0)
    """Requests of known callers at once, above which each has one place; 0: any number."""
    stranger_rate: float = Field(default=50, ge=0, le=1_000_000)
    """Requests per second without a valid credential of one address; 0: any number."""
    stranger_burst: int = Field(default=1000, ge=1)
    webhook_rate: float = Field(default=500, ge=0, le=1_000_000)
    """Genuine webhooks per second of one partner; 0: any number."""
    webhook_burst: int = Field(default=5000, ge=1)
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    """Networks of the reverse proxies whose ``X-Forwarded-For`` is believed, with commas."""
    jwt_issuer: str | None = None
    jwt_audience: str = "stateset"
    jwks_url: str | None = None

    ui_origins: Annotated[str, AfterValidator(_origins)] = ""
    """Origins of Temporal's UI, with commas, whose pages may ask the codec to decrypt."""

    # Worker
    max_workflow_tasks: int = Field(default=100, ge=1)
    max_activities: int = Field(default=50, ge=1)
    max_cached_workflows: int = Field(default=1000, ge=0)
    keep_answers: Duration = Field(default=timedelta(hours=72), ge=timedelta(hours=24))
    """How long an answer is given again to a repeated Idempotency-Key."""
    keep_facts: Duration = Field(default=timedelta(days=90), ge=timedelta(days=7))
    """How long a partner's report stays as it came, after it was dealt with."""
    keep_links: Duration = Field(default=timedelta(days=30), ge=timedelta(days=1))
    """How long a link that nobody used stays after its time was over."""
    graceful_shutdown: Duration = Field(default=timedelta(seconds=30), ge=timedelta())
    dispatch_batch: int = Field(default=50, ge=1)
    dispatch_poll: Duration = Field(default=timedelta(milliseconds=200), gt=timedelta())

    # Rules
    shipping_rates: dict[Currency, dict[Service, Amount]] = Field(
        default={currency: dict(rates) for currency, rates in Policy().shipping_rates.items()}
    )
    """JSON: what an order pays for shipping by currency and service, in minor units."""
    payment_window: Duration = Field(default=Policy().payment_window, gt=timedelta())
    """How long a card order waits for an authorization before it is cancelled."""
    unpaid_per_customer: int = Field(default=Policy().unpaid_per_customer, ge=0)
    """So many orders of one customer may wait for their money at once; 0: any number."""
    unpaid_per_source: int = Field(default=Policy().unpaid_per_source, ge=0)
    """So many orders of one integration may; 0: any number."""
    declines_per_customer: int = Field(default=Policy().declines_per_customer, ge=0)
    """After so many declined cards within an hour a customer's next one waits; 0: never."""
    refund_limit: dict[Currency, Amount] = Field(default=dict(Policy().refund_limit))
    """JSON: above how much, in minor units by currency, another person approves a refund."""
    return_window_days: Days = Policy().return_window_days
    """For so many days after its delivery a unit may come back; 0: never."""
    withdrawal_days: Days = Policy().withdrawal_days
    """For so many days after the delivery of its last unit an order may be withdrawn from."""
    return_auto_limit: dict[Currency, Amount] = Field(default=dict(Policy().return_auto_limit))
    """JSON: up to which refund, in minor units by currency, a return is authorized by itself."""
    label_fee: dict[Currency, Amount] = Field(default=dict(Policy().label_fee))
    """JSON: what is kept, in minor units by currency, for the label of goods that come back."""
    ship_back_window: Duration = Field(default=Policy().ship_back_window, gt=timedelta())
    """So long after its authorization a return of which nothing came expires."""
    replacement_wait_days: int = Field(default=Policy().replacement_wait_days, ge=1, le=3650)
    """So many days a return waits for stock to replace its goods, before support is asked."""
    refund_shipping_on: ShippingRefund = Policy().refund_shipping_on
    """When the shipping goes back with the goods: `merchant_fault` or `full_withdrawal`."""
    withdrawal_return_cost: ReturnCost = Policy().withdrawal_return_cost
    """Who bears the cost of sending back what was withdrawn from: `customer` or `merchant`."""
    repair_warranty_days: Days = Policy().repair_warranty_days
    """So many days a repaired unit is under warranty at least, from when its customer has it."""
    parallel_timers: bool = Policy().parallel_timers
    """Whether a technician may be timed on several work orders at once."""
    over_issue_tolerance: Tolerance = Policy().over_issue_tolerance
    """What share of a part that was planned may be issued on top of it, for a reason."""
    count_tolerance: Units = Policy().count_tolerance
    """So many units a count may differ from the books, in each of its lines, to post by itself."""
    blind_counts: bool = Policy().blind_counts
    """Whether who counted is not told what the books expect before the count is decided."""

    # Telemetry
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """Where spans are exported (OTLP over HTTP); unset means that none are."""

    @cached_property
    def partners(self) -> Mapping[str, PartnerSettings]:
        """Of each partner of the table its own settings, read from variables of its prefix."""
        return {name: _read(partner.settings) for name, partner in PARTNERS.items()}

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of Temporal's UI, one by one."""
        return tuple(each.strip() for each in self.ui_origins.split(",") if each.strip())

    @property
    def keyring(self) -> Keyring:
        """The keys of what Temporal keeps."""
        return read_keyring(self.payload_keys.get_secret_value() if self.payload_keys else "")

    @property
    def policy(self) -> Policy:
        """The business settings, as rules and steps are given them."""
        return Policy(
            shipping_rates=self.shipping_rates,
            payment_window=self.payment_window,
            unpaid_per_customer=self.unpaid_per_customer,
            unpaid_per_source=self.unpaid_per_source,
            declines_per_customer=self.declines_per_customer,
            refund_limit=self.refund_limit,
            return_window_days=self.return_window_days,
            withdrawal_days=self.withdrawal_days,
            return_auto_limit=self.return_auto_limit,
            label_fee=self.label_fee,
            ship_back_window=self.ship_back_window,
            replacement_wait_days=self.replacement_wait_days,
            refund_shipping_on=self.refund_shipping_on,
            withdrawal_return_cost=self.withdrawal_return_cost,
            repair_warranty_days=self.repair_warranty_days,
            parallel_timers=self.parallel_timers,
            over_issue_tolerance=self.over_issue_tolerance,
            count_tolerance=self.count_tolerance,
            blind_counts=self.blind_counts,
        )

    def of(self, partner: Partner[Any, Any]) -> PartnerSettings:
        """Return a partner's own settings."""
        return self.partners[partner.webhooks]


Read = TypeVar("Read", bound=BaseSettings)


def _read(kind: type[Read]) -> Read:
    """Read the environment; end the process with a clear word about a wrong setting."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        wrong = (
            f"{prefix}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            for each in error.errors()
        )
        raise SystemExit("A setting is wrong. " + "; ".join(wrong)) from None


@lru_cache
def settings() -> Settings:
    """Return this process's settings; end the process with a clear word about a wrong one.

    A production process that would trust what others know, can guess or can change is ended, too.
    """
    given = _read(Settings)
    worthless = list(_worthless(given))
    if given.environment == "production" and worthless:
        raise SystemExit(f"Refusing to start in production. {'; '.join(worthless)}")
    return given


def _worthless(given: Settings) -> Iterator[str]:
    if given.jwks_url is not None and urlsplit(given.jwks_url).scheme != "https":
        yield "STATESET_JWKS_URL is not an https address, so anyone on the way can sign tokens"
    yield from worthless_secrets(given.partners.values())
