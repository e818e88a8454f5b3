"""The table of role × command, cell by cell, against the real routes."""

from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.openapi import command_of
from domain.access import ALLOWED, Caller, Command, Role
from tests.api.callers import Callers

GUEST = {f"/guest/withdrawals{rest}" for rest in ("", "/links", "/order", "/confirm")}
OPEN = {"/docs", "/health", "/health/live", "/health/ready", "/webhooks/{provider}"} | GUEST
OPEN |= {"/guest/withdrawals/acknowledgement", "/return", "/return/{rest}"}


def routes_of(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute)]


async def customer_of(callers: Callers) -> str:
    return str((await callers.post("/customers", {"name": "Somebody"})).json()["id"])


@pytest.mark.parametrize("role", Role)
async def test_a_role_gets_through_exactly_where_the_table_says(
    role: Role, app: FastAPI, callers: Callers
) -> None:
    who = await customer_of(callers) if role is Role.CUSTOMER else None
    wrong: list[str] = []
    for route in routes_of(app):
        command = command_of(route)
        if command is None:
            continue
        path = route.path_format
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", str(uuid4()))
        for method in route.methods or ():
            # Without a readable body nothing can happen; who may not ask is told so before.
            answer = await callers.ask(method, path, role=role, customer_id=who)
            forbidden = answer.status_code == 403
            if forbidden != (role not in ALLOWED[command]) or answer.status_code == 401:
                wrong.append(f"{role} {method} {path} ({command}): {answer.status_code}")
    assert wrong == []


async def test_every_route_is_in_the_table_or_known_to_be_open(app: FastAPI) -> None:
    unguarded = {r.path_format for r in routes_of(app) if command_of(r) is None}
    assert unguarded == OPEN


async def test_nobody_gets_in_without_a_credential(app: FastAPI, callers: Callers) -> None:
    for route in routes_of(app):
        if command_of(route) is None:
            continue
        path = route.path_format
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", str(uuid4()))
        for method in route.methods or ():
            answer = await callers.client.request(method, path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].split(",")[0] == "Bearer"


def test_every_command_has_a_row() -> None:
    assert set(ALLOWED) == set(Command)
    assert all(Role.ADMIN in roles for roles in ALLOWED.values())


def test_prices_are_set_by_support_and_by_integrations_that_were_granted_it() -> None:
    scope = frozenset({"orders:price"})
    assert Caller(subject="a", role=Role.SUPPORT).may(Command.ORDERS_PRICE)
    assert not Caller(subject="a", role=Role.INTEGRATION).may(Command.ORDERS_PRICE)
    assert Caller(subject="a", role=Role.INTEGRATION, scopes=scope).may(Command.ORDERS_PRICE)
    assert not Caller(subject="a", role=Role.WAREHOUSE, scopes=scope).may(Command.ORDERS_PRICE)


def test_a_scope_grants_nothing_that_is_not_grantable() -> None:
    caller = Caller(subject="a", role=Role.INTEGRATION, scopes=frozenset(Command))
    assert not caller.may(Command.KEYS_CREATE)
    assert not caller.may(Command.TASKS_DECIDE)


def test_a_customers_credential_names_a_customer() -> None:
    with pytest.raises(ValueError, match="customer_id"):
        Caller(subject="a", role=Role.CUSTOMER)
