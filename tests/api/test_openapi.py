"""The description of the API says what the API does."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.callers import Callers


@pytest.fixture
def described(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


async def test_operations_are_named_by_tag_and_function(described: dict[str, Any]) -> None:
    names = [one["operationId"] for one in operations(described).values()]
    assert len(names) == len(set(names))
    assert {"customers-create", "inventory-adjust", "webhooks-receive"} <= set(names)


async def test_refusals_are_described_as_problems(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")) and "/health" not in name:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
    assert "HTTPValidationError" not in described["components"]["schemas"]
    assert "Problem" in described["components"]["schemas"]


async def test_what_stands_beneath_a_field_is_told_to_callers(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert "minor units" in schemas["Money"]["properties"]["amount"]["description"]
    # Inherited, generic, and of a query.
    assert schemas["ItemDetail"]["properties"]["name"]["description"]
    assert schemas["OrderPage"]["properties"]["items"]["description"]
    asked = {one["name"]: one for one in described["paths"]["/orders"]["get"]["parameters"]}
    assert "customer" in asked["customer_id"]["description"]


async def test_answers_may_grow_and_bodies_may_not_be_misspelt(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for answer in ("OrderView", "LineView", "OrderPage", "Problem"):
        assert schemas[answer].get("additionalProperties") is not False, answer
    for body in ("PlaceOrder", "LineRequest", "Address"):
        assert schemas[body]["additionalProperties"] is False, body


async def test_what_stands_in_many_places_is_one_class_of_a_client(
    described: dict[str, Any],
) -> None:
    schemas = described["components"]["schemas"]
    quantity = schemas["AdjustStock"]["properties"]["quantity"]
    assert quantity["$ref"] == "#/components/schemas/Quantity"
    assert "negative" in quantity["description"]
    metadata = schemas["OrderView"]["properties"]["metadata"]["anyOf"]
    assert {"$ref": "#/components/schemas/Metadata"} in metadata


async def test_guarded_operations_want_a_credential_and_creating_ones_a_key(
    described: dict[str, Any],
) -> None:
    for name, operation in operations(described).items():
        if "x-command" in operation:
            assert operation["security"] == [{"bearer": []}, {"key": []}], name
            assert {"401", "403"} <= set(operation["responses"]), name
    create = described["paths"]["/customers"]["post"]
    header = [one for one in create["parameters"] if one["name"] == "Idempotency-Key"]
    assert [one["required"] for one in header] == [True]


async def test_the_description_and_its_page_are_served(callers: Callers) -> None:
    assert (await callers.client.get("/openapi.json")).json()["info"]["title"] == "StateSet"
    page = await callers.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
