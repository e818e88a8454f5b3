"""Every setting of a process, read from ``STATESET_*`` and ``TEMPORAL_*`` variables."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.policy import Policy
from gateways.partner import Partner, PartnerSettings
from gateways.partners import PARTNERS


def _seconds(given: object) -> object:
    if isinstance(given, str) and given.replace(".", "", 1).isdigit():
        return float(given)
    return given


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
    statement_timeout: Duration = timedelta(seconds=5)
    lock_timeout: Duration = timedelta(seconds=3)

    # Temporal. TLS and API key come from its own names, TEMPORAL_TLS_* and TEMPORAL_API_KEY.
    temporal_address: str | None = None
    """``host:port``; unset means the embedded server."""
    temporal_namespace: str = "default"
    task_queue: str = "stateset"

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
    api_port: int = 8000
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    sdk_metrics_port: int | None = None
    """Where a worker serves the metrics of the Temporal SDK; unset means nowhere."""
    body_limit: int = 1_000_000
    max_connections: int = Field(default=800, ge=1)
    request_timeout: Duration = Field(
        default=timedelta(seconds=15), gt=timedelta(), le=timedelta(seconds=45)
    )
    """At most 45 s: a request that takes longer than 60 s is believed dead, and its key taken."""
    jwt_issuer: str | None = None
    jwt_audience: str = "stateset"
    jwks_url: str | None = None

    # Worker
    max_workflow_tasks: int = 100
    max_activities: int = 50
    max_cached_workflows: int = 1000
    graceful_shutdown: Duration = timedelta(seconds=30)
    dispatch_batch: int = 50
    dispatch_poll: Duration = timedelta(milliseconds=200)

    # Rules
    payment_window: Duration = Policy().payment_window
    """How long a card order waits for an authorization before it is cancelled."""

    # Telemetry
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """Where spans are exported (OTLP over HTTP); unset means that none are."""

    @cached_property
    def partners(self) -> Mapping[str, PartnerSettings]:
        """Of each partner of the table its own settings, read from variables of its prefix."""
        return {name: _read(partner.settings) for name, partner in PARTNERS.items()}

    @property
    def policy(self) -> Policy:
        """The business settings, as rules and steps are given them."""
        return Policy(payment_window=self.payment_window)

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

    A production process that would trust a key or secret that everybody knows is ended, too.
    """
    given = _read(Settings)
    known = [name for partner in given.partners.values() for name in partner.default_secrets()]
    if given.environment == "production" and known:
        raise SystemExit(f"Refusing to start in production with sandbox secrets: set {known}")
    return given
