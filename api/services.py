"""The services of a process, which every request is served with."""

from dataclasses import dataclass

from api.settings import ApiSettings
from api.temporal import TemporalProvider
from db.engine import Database


@dataclass(frozen=True)
class Services:
    """Everything that outlives a request; made once per process, closed by who made it."""

    settings: ApiSettings
    db: Database
    temporal: TemporalProvider
