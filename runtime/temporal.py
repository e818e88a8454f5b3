"""Connecting to Temporal: the embedded server, a cluster of one's own, or Temporal Cloud."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode

from runtime.settings import Settings
from workflows.encryption import encrypted
from workflows.plugin import DATA_CONVERTER, plugin
from workflows.runs import ALL


async def connect(settings: Settings, *, metrics_address: str | None = None) -> Client:
    """Return a client; TLS and API key come from Temporal's own ``TEMPORAL_*`` variables.

    ``metrics_address`` (``host:port``) serves the SDK's metrics. Raises RuntimeError when the
    server cannot be reached.
    """
    known: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    if settings.temporal_address is not None:
        known["target_host"] = settings.temporal_address
    known.setdefault("target_host", "127.0.0.1:7233")
    known["namespace"] = (
        settings.temporal_namespace
        if settings.temporal_namespace != "default"
        else known.get("namespace", "default")
    )
    interceptors: Sequence[Any] = [TracingInterceptor()] if settings.otlp_endpoint else []
    known["runtime"] = _runtime(metrics_address)
    converter = encrypted(DATA_CONVERTER, settings.keyring)
    return await Client.connect(**known, plugins=[plugin(converter)], interceptors=interceptors)


class NotRegistrable(Exception):
    """This Temporal lets only its own administrators register search attributes."""


async def register_search_attributes(client: Client) -> list[str]:
    """Register the attributes that runs are searched by; return those that were new.

    Raises NotRegistrable where that is not for clients to do, as on Temporal Cloud.
    """
    try:
        return await _register(client)
    except RPCError as error:
        if error.status not in _NOT_FOR_CLIENTS:
            raise
        names = ", ".join(key.name for key in ALL)
        raise NotRegistrable(
            f"create the search attributes {names} (each a Keyword) in the namespace"
            f" {client.namespace} by hand: {error.message}"
        ) from error


_NOT_FOR_CLIENTS = frozenset(
    {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNIMPLEMENTED,
        RPCStatusCode.UNAUTHENTICATED,
    }
)


async def _register(client: Client) -> list[str]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [key.name for key in ALL if key.name not in listed.custom_attributes]
    if missing:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes=dict.fromkeys(missing, keyword),
                )
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
    return missing


@cache
def _runtime(metrics_address: str | None) -> Runtime:
    """Return the SDK's runtime, whose own lines go where this process's go, in the same form."""
    metrics = metrics_address and PrometheusConfig(
        bind_address=metrics_address,
        durations_as_seconds=True,
        unit_suffix=True,
        counters_total_suffix=True,
    )
    log = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=log
            ),
            metrics=metrics or None,
        )
    )
