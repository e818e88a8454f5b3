"""Settings of a simulator, read from ``SIMULATOR_*`` variables."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SimulatorSettings(BaseSettings):
    """One frozen object per process; the defaults are the sandbox's public test credentials."""

    model_config = SettingsConfigDict(env_prefix="SIMULATOR_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    data: str
    """The SQLite file that keeps the state."""
    api_key: SecretStr
    """Clients send it as ``Authorization: Bearer …``."""
    webhook_url: str = ""
    """Where events are posted; empty means that they are kept but not sent."""
    webhook_secret: SecretStr
    """``whsec_`` and the base64 of the signing key (Standard Webhooks)."""
    webhook_parallel: int = Field(default=16, ge=1, le=200)
    hang_seconds: float = Field(default=15, ge=0)
    """How long a simulated time-out keeps the caller waiting before the connection is closed."""
