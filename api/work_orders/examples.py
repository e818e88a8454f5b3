"""Bodies to try at `/docs` about work orders, in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

_PART = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b14"
"""A part of a work order: take the id of one of yours."""
_MOVED = {"parts": [{"part_id": _PART, "quantity": 1}]}

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "CreateTechnician": {
        "One who sews and solders": {
            "code": "ANA",
            "site": "CMH",
            "subject": "user:ana",
            "skills": [
                {"skill": "sewing", "level": 3},
                {"skill": "soldering", "valid_until": "2031-12-31"},
            ],
        },
    },
    "TechnicianChange": {
        "Half a day, and one more skill": {
            "capacity_minutes": 240,
            "skills": [{"skill": "sewing"}, {"skill": "gas", "valid_until": "2031-06-30"}],
        },
    },
    "CreateWorkOrder": {
        "Two backpacks with torn straps": {
            "kind": "repair",
            "site": "CMH",
            "sku": "PACK-55",
            "quantity": 2,
            "title": "Straps are torn",
            "priority": 2,
            "due_on": "2031-03-14",
            "operations": [
                {"name": "Sew on straps", "planned_minutes": 45, "skill": "sewing"},
                {
                    "name": "Pull",
                    "planned_minutes": 5,
                    "checks": [
                        {"name": "kilograms", "kind": "number", "min": 40},
                        {"name": "no thread is loose"},
                    ],
                },
            ],
            "parts": [{"sku": "POLES", "quantity": 2}],
        },
    },
    "WorkOrderChange": {"It is urgent": {"priority": 1, "due_on": "2031-03-07"}},
    "StartWork": {
        "Before all parts are there": {"override_reason": "The customer leaves on Friday."},
    },
    "CompleteWork": {
        "All is well": {"remedy": "New straps.", "cause": "The thread was cotton."},
    },
    "RejectWork": {"A strap is loose": {"reason": "The left strap is loose."}},
    "CancelWork": {"It is not worth it": {"reason": "New ones cost less."}},
    "AddOperation": {
        "Wash": {"name": "Wash", "instruction": "At 30 degrees.", "planned_minutes": 40},
    },
    "ReportOperation": {
        "It held": {
            "status": "done",
            "checks": [
                {"name": "kilograms", "value": "42.5"},
                {"name": "no thread is loose", "value": True},
            ],
        },
    },
    "AddPart": {"A pair of poles": {"sku": "POLES", "quantity": 1}},
    "IssueParts": {"One of a part": _MOVED},
    "PutBackParts": {"One that was not needed": _MOVED},
    "CancelPart": {"One will do": {"reason": "The other one is whole."}},
    "SwapComponents": {
        "Goods that have no serial, taken out": {
            "remove": {"sku": "POLES", "quantity": 1, "to": "scrap"},
        },
    },
    "Assign": {
        "An hour in spring": {
            "technician": "ANA",
            "since": "2031-03-04T09:00:00Z",
            "until": "2031-03-04T10:00:00Z",
        },
    },
    "StartTimer": {"Ana lays out the tools": {"technician": "ANA", "kind": "setup"}},
    "StopTimer": {"A pause, by who works": {"note": "The straps are cut."}},
    "RecordTime": {
        "An hour that nobody timed": {
            "technician": "ANA",
            "since": "2025-11-03T09:00:00Z",
            "until": "2025-11-03T10:00:00Z",
            "note": "The timer was forgotten.",
        },
    },
    "InspectUnit": {
        "For sale again": {"serial": "ST-111", "reason": "The valve is tight."},
    },
}
"""By the name of the body and in few words what each is; all of them are accepted."""
