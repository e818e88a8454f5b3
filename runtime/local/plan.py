"""What a local stack consists of: ports, addresses, and programs with their settings."""

import base64
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.keyring import KEY_BYTES
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.partner import Partner
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.local.children import CannotStart
from runtime.local.ports import claim, claim_or_any
from runtime.local.processes import Command
from runtime.settings import Settings

_HOST = "127.0.0.1"
_SIMULATED: dict[str, Partner[Any, Any]] = {
    "carrier": SANDBOX_CARRIER,
    "payments": SANDBOX_PAYMENTS,
}
_OFFSETS = {"carrier": 81, "payments": 82}


def _reached(host: str) -> str:
    """Return where a server that listens on ``host`` is reached from this machine."""
    return _HOST if host in ("0.0.0.0", "::") else host  # noqa: S104


def _python(*arguments: str) -> tuple[str, ...]:
    # A folder of the caller's that happens to be called like one of ours must not be taken for it.
    return (sys.executable, "-P", "-m", *arguments)


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of ours that the stack runs; an empty one is left out."""

    migrate: tuple[str, ...] = field(default=_python("runtime.cli", "migrate"))
    carrier: tuple[str, ...] = field(default=_python("simulators.carrier"))
    payments: tuple[str, ...] = field(default=_python("simulators.payments"))
    worker: tuple[str, ...] = field(default=_python("runtime.cli", "worker"))
    api: tuple[str, ...] = field(default=_python("runtime.cli", "api"))


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings made definite: every port chosen and free, or another server named."""

    settings: Settings
    data_dir: Path
    ports: dict[str, int]
    payload_keys: str | None = None
    """Under which Temporal's payloads are kept, as the setting has them."""
    copies: int = 1
    """How many workers there are, and how many APIs; those beyond the first are ``api-2`` …"""

    @property
    def api_url(self) -> str:
        """Where our API listens."""
        return f"http://{_reached(self.settings.api_host)}:{self.ports['api']}"

    @property
    def ui_url(self) -> str | None:
        """Where Temporal's web UI is, when the server is ours."""
        return f"http://{_HOST}:{self.ports['ui']}" if "ui" in self.ports else None

    @property
    def carrier_url(self) -> str:
        """Where the carrier is, simulated or not."""
        return self._partner_url("carrier")

    @property
    def payments_url(self) -> str:
        """Where the payment provider is, simulated or not."""
        return self._partner_url("payments")

    def metrics_url(self, name: str) -> str:
        """Where the metrics of the ``worker`` or the ``api`` are read."""
        host = _reached(self.settings.metrics_host)
        return f"http://{host}:{self.ports[f'{name}_metrics']}/metrics"

    def health_url(self, name: str) -> str:
        """Where a program of ours answers while it is well; the worker has but its metrics."""
        kind = name.partition("-")[0]
        if kind == "worker":
            return self.metrics_url(name)
        if kind == "api":
            return f"http://{_reached(self.settings.api_host)}:{self.ports[name]}/health/live"
        return f"{self._partner_url(name)}/health"

    def commands(self, programs: Programs, database_url: str, temporal: str) -> dict[str, Command]:
        """Return the programs by name, in the order in which they start."""
        ours = {
            "STATESET_DATA_DIR": str(self.data_dir),
            "STATESET_DATABASE_URL": database_url,
            "STATESET_TEMPORAL_ADDRESS": temporal,
            "STATESET_TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
            **({"STATESET_PAYLOAD_KEYS": self.payload_keys} if self.payload_keys else {}),
            **self._ui_origins(),
            "STATESET_API_HOST": self.settings.api_host,
            "STATESET_METRICS_HOST": self.settings.metrics_host,
            **self._partner("carrier"),
            **self._partner("payments"),
        }
        found = (
            Command("migrate", programs.migrate, ours),
            Command("carrier", programs.carrier, self._simulator("carrier")),
            Command("payments", programs.payments, self._simulator("payments")),
            *(self._serving(name, programs.worker, ours) for name in self._copies("worker")),
            *(self._serving(name, programs.api, ours) for name in self._copies("api")),
        )
        theirs = {"carrier", "payments"} - self.ports.keys()
        return {each.name: each for each in found if each.argv and each.name not in theirs}

    def _ui_origins(self) -> dict[str, str]:
        if "ui" not in self.ports or self.settings.ui_origins:
            return {}
        pages = (f"http://{name}:{self.ports['ui']}" for name in (_HOST, "localhost"))
        return {"STATESET_UI_ORIGINS": ",".join(pages)}

    def _copies(self, name: str) -> list[str]:
        return [name, *(f"{name}-{number}" for number in range(2, self.copies + 1))]

    def _serving(self, name: str, argv: tuple[str, ...], ours: dict[str, str]) -> Command:
        listens = {
            "STATESET_API_PORT": str(self.ports.get(name, self.ports["api"])),
            "STATESET_METRICS_PORT": str(self.ports[f"{name}_metrics"]),
        }
        return Command(name, argv, {**ours, **listens})

    def _partner(self, name: str) -> dict[str, str]:
        given = self.settings.of(_SIMULATED[name])
        return {
            given.variable("url"): self._partner_url(name),
            given.variable("api_key"): given.api_key.get_secret_value(),
            given.variable("webhook_secret"): given.webhook_secret.get_secret_value(),
        }

    def _partner_url(self, name: str) -> str:
        port = self.ports.get(name)
        url = self.settings.of(_SIMULATED[name]).url
        return url if port is None else f"http://{_HOST}:{port}"

    def _simulator(self, name: str) -> dict[str, str]:
        given = self.settings.of(_SIMULATED[name])
        return {
            "SIMULATOR_PORT": str(self.ports.get(name, 0)),
            "SIMULATOR_DATA": str(self.data_dir / f"{name}.db"),
            "SIMULATOR_API_KEY": given.api_key.get_secret_value(),
            "SIMULATOR_WEBHOOK_URL": f"{self.api_url}/webhooks/{_SIMULATED[name].webhooks}",
            "SIMULATOR_WEBHOOK_SECRET": given.webhook_secret.get_secret_value(),
        }


def make_plan(settings: Settings, data_dir: Path, copies: int = 1) -> Plan:
    """Choose and check every port. Raises CannotStart, naming the port and its option."""
    metrics = settings.metrics_port
    wanted = {"api": (settings.api_port, "--port", settings.api_host)}
    if settings.database_url is None:
        wanted["postgres"] = (settings.postgres_port, "--postgres-port", _HOST)
    if settings.temporal_address is None:
        wanted["temporal"] = (settings.temporal_port, "--temporal-port", _HOST)
        wanted["ui"] = (settings.ui_port, "--ui-port", _HOST)
    wanted["worker_metrics"] = (metrics, "--metrics-port", settings.metrics_host)
    api_metrics = metrics + 1 if metrics else 0
    wanted["api_metrics"] = (api_metrics, "--metrics-port", settings.metrics_host)
    ports: dict[str, int] = {}
    for name, (port, option, host) in wanted.items():
        if port and port in ports.values():
            raise CannotStart(f"port {port} is asked for twice, the second time by {option}")
        ports[name] = claim(port, option, host)
    # A partner whose address was given is real (or another simulator): not started here.
    for name, partner in _SIMULATED.items():
        if "url" not in settings.of(partner).model_fields_set:
            wish = settings.api_port + _OFFSETS[name] if settings.api_port else 0
            ports[name] = claim_or_any(wish, ports.values())
    for number in range(2, copies + 1):
        wish = settings.api_port + number - 1 if settings.api_port else 0
        ports[f"api-{number}"] = claim_or_any(wish, ports.values())
        for name in ("api", "worker"):
            ports[f"{name}-{number}_metrics"] = claim_or_any(0, ports.values())
    return Plan(settings, data_dir, ports, _payload_keys(settings, data_dir), copies)


def _payload_keys(settings: Settings, data_dir: Path) -> str | None:
    """Return the keys that are set; else those of the stack's own Temporal, made at its start.

    They lie beside its database and are kept as long: without them no run of it can go on.
    """
    if settings.payload_keys is not None:
        return settings.payload_keys.get_secret_value()
    if settings.temporal_address is not None:
        return None
    kept = data_dir / "payload.keys"
    if not kept.exists():
        made = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"local:{made}\n")
    return kept.read_text().strip()
