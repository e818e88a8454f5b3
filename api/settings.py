"""Settings of the HTTP front: a protocol, so that it does not know the process around it."""

# ruff: noqa: D102 - each setting is described where the process reads it

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from domain.policy import Policy
from gateways.partner import PartnerSettings


class ApiSettings(Protocol):
    """What `create_app` needs to be told; the process's settings have all of it."""

    @property
    def environment(self) -> str: ...
    @property
    def body_limit(self) -> int: ...
    @property
    def request_timeout(self) -> timedelta: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def task_queue(self) -> str: ...
    @property
    def jwt_issuer(self) -> str | None: ...
    @property
    def jwt_audience(self) -> str: ...
    @property
    def jwks_url(self) -> str | None: ...
    @property
    def partners(self) -> Mapping[str, PartnerSettings]: ...
