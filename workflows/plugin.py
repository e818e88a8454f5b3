"""The Temporal plugin of every client, worker, replayer and test: converter, sandbox, workflows."""

import dataclasses
from types import NoneType
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    BinaryNullPayloadConverter,
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    create_payload_validation_error,
)
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.alive import AliveInterceptor
from activities.errors import RefusalInterceptor
from activities.watching import WatchInterceptor
from workflows.inventory_replenishment import InventoryReplenishment
from workflows.order_fulfillment import OrderFulfillment
from workflows.payment_refund import PaymentRefund
from workflows.return_authorization import ReturnAuthorization
from workflows.shipment_tracking import ShipmentTracking
from workflows.warranty_claim_review import WarrantyClaimReview
from workflows.work_order_execution import WorkOrderExecution

WORKFLOWS: tuple[type, ...] = (
    InventoryReplenishment,
    OrderFulfillment,
    PaymentRefund,
    ReturnAuthorization,
    ShipmentTracking,
    WarrantyClaimReview,
    WorkOrderExecution,
)
"""Every process; a test checks that no workflow file is missing here."""

# Our pure modules need no isolation; asyncpg crashes a worker that imports it inside the sandbox.
PASSED_THROUGH = (
    "activities",
    "asyncpg",
    "db",
    "domain",
    "gateways",
    "greenlet",
    "orjson",
    "pydantic",
    "pydantic_core",
    "sqlalchemy",
    "telemetry",
    "uuid_utils",
    "workflows.runs",
    "workflows.saga",
    "workflows.status",
    "workflows.calling",
)


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(type_hint: type[Any]) -> TypeAdapter[Any]:
    if type_hint not in _adapters:
        _adapters[type_hint] = TypeAdapter(type_hint)
    return _adapters[type_hint]


class _StrictJson(PydanticJSONPlainPayloadConverter):
    """Malformed input fails the run or the request that carried it, instead of its worker.

    Fields that this release does not know are left alone: while two releases work side by side,
    and after a rollback, the older one reads what the newer one wrote.
    """

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        try:
            return _adapter(type_hint or Any).validate_json(payload.data, extra="ignore")
        except ValidationError as error:
            raise _malformed(error) from error


class _StrictNull(BinaryNullPayloadConverter):
    """Nothing is malformed, too, where something is expected."""

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        if type_hint not in (None, NoneType, Any):
            try:
                TypeAdapter(type_hint).validate_python(None)
            except ValidationError as error:
                raise _malformed(error) from error
        return super().from_payload(payload, type_hint)


def _malformed(error: ValidationError) -> Exception:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return create_payload_validation_error(details)


# One instance for all runs, because it caches what it learned of each type.
_STRICT = {converter.encoding: converter for converter in (_StrictJson(), _StrictNull())}


class StrictConverter(CompositePayloadConverter):
    """The default converters, strict where they read nothing or plain JSON."""

    def __init__(self) -> None:
        """Share the strict converters."""
        super().__init__(
            *(
                _STRICT.get(converter.encoding, converter)
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


DATA_CONVERTER = DataConverter(payload_converter_class=StrictConverter)


def _sandbox(runner: WorkflowRunner | None) -> WorkflowRunner:
    del runner
    restrictions = dataclasses.replace(
        SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH),
        import_notification_policy=SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
        | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH,
    )
    return SandboxedWorkflowRunner(restrictions=restrictions)


def plugin(converter: DataConverter = DATA_CONVERTER) -> SimplePlugin:
    """Return the plugin; give it to the client, which hands it to its workers."""
    return SimplePlugin(
        "stateset",
        data_converter=converter,
        interceptors=[WatchInterceptor(), AliveInterceptor(), RefusalInterceptor()],
        workflows=WORKFLOWS,
        workflow_runner=_sandbox,
    )
