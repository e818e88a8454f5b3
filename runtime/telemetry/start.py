"""Everything by which a process can be watched: its log, its numbers, its spans."""

from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import ProcessCollector, start_http_server
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from runtime.telemetry.logs import configure_logging
from runtime.telemetry.spans import Discreet, Named
from runtime.telemetry.sql import trace_statements
from telemetry import metrics, tracing


@dataclass
class Telemetry:
    """What was started; stop it before the process ends, so that nothing is lost."""

    metrics_port: int
    _server: WSGIServer
    _thread: Thread
    _provider: TracerProvider | None

    def stop(self) -> None:
        """Send the last spans and free the port."""
        tracing.collect(None)
        if self._provider is not None:
            self._provider.shutdown()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def start_telemetry(
    service: str,
    *,
    engine: AsyncEngine,
    log_level: str,
    metrics_host: str,
    metrics_port: int,
    otlp_endpoint: str | None,
) -> Telemetry:
    """Start logging, the metrics server (port 0 means any free one) and, if asked for, spans.

    ``otlp_endpoint`` is the collector's base address; spans go to its ``/v1/traces``. The tracer
    provider is also made OpenTelemetry's global one, for libraries that make spans of their own.
    """
    configure_logging(log_level, service)
    _watch_pool(engine)
    provider = None
    if otlp_endpoint is not None:
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(Named())
        provider.add_span_processor(BatchSpanProcessor(Discreet(exporter)))
        trace.set_tracer_provider(provider)
        tracer = provider.get_tracer(tracing.NAME)
        tracing.collect(tracer)
        trace_statements(engine, tracer)
    server, thread = start_http_server(metrics_port, metrics_host, registry=metrics.REGISTRY)
    return Telemetry(server.server_port, server, thread, provider)


_process = ProcessCollector(registry=metrics.REGISTRY)
"""CPU, memory and open files of this process."""


def _watch_pool(engine: AsyncEngine) -> None:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    metrics.db_pool_in_use.set_function(pool.checkedout)
    metrics.db_pool_size.set(pool.size())
