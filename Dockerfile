# syntax=docker/dockerfile:1
# One image for every process of ours: `stateset api`, `stateset worker`, `stateset migrate`,
# `python -m simulators.carrier`, `python -m simulators.payments`.
ARG PYTHON=3.11.15-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/stateset
ENV PATH=/opt/stateset/bin:$PATH
WORKDIR /app
# Dependencies first: this layer changes only with the pinned versions.
COPY requirements/production.txt requirements/
RUN pip install --require-hashes --no-deps --only-binary :all: -r requirements/production.txt
COPY . .
# Editable, because the code runs from /app, next to its migrations.
RUN pip install --no-deps --no-build-isolation --editable . \
    && pip check \
    && pip uninstall --yes setuptools pip \
    && python -m compileall -q -j 0 /opt/stateset/lib /app

FROM python:${PYTHON}
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="StateSet" \
      org.opencontainers.image.description="Durable order, return, warranty and work-order processes on Temporal and PostgreSQL" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="python:3.11.15-slim-bookworm"
# The simulators keep their state in /data; a new volume takes over this folder's owner.
RUN groupadd --gid 10001 stateset \
    && useradd --uid 10001 --gid stateset --no-create-home --home-dir /tmp --shell /usr/sbin/nologin stateset \
    && install --directory --owner stateset --group stateset /data
COPY --from=build /opt/stateset /opt/stateset
COPY --from=build /app /app
ENV PATH=/opt/stateset/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATESET_ENVIRONMENT=production \
    STATESET_API_HOST=0.0.0.0 \
    STATESET_METRICS_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
EXPOSE 8000 9464 9465
# SIGTERM: the API leaves the load balancer and finishes its requests, the worker its activities.
STOPSIGNAL SIGTERM
# The API's by default; a worker asks its metrics port instead (see docker-compose.yml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "/app/deploy/healthcheck.py", "http://127.0.0.1:8000/health/live"]
CMD ["stateset", "api"]
