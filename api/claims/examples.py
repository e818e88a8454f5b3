"""Bodies to try at `/docs` about claims, in the company that ``stateset sample`` brings in."""

from collections.abc import Mapping
from typing import Any

_WARRANTY = "0193a5b2-7c1f-7d6e-9a40-5d1f7e2c8b13"
"""A warranty: take the id of one of yours."""

EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "FileClaim": {
        "A zip that does not close": {
            "warranty_id": _WARRANTY,
            "failed_on": "2026-11-02",
            "symptom": "zip",
            "description": "It does not close any more, since the second night.",
            "evidence": ["https://photos.example.com/zip.jpg"],
            "resolution_wanted": "replacement",
        },
    },
    "AddEvidence": {
        "A photo": {"evidence": ["https://photos.example.com/tear.jpg"]},
    },
    "ApproveClaim": {
        "Other goods, once the faulty ones are here": {"resolution": "replacement"},
        "The money, though it was denied": {
            "resolution": "refund",
            "note": "Two days late, and a customer for ten years.",
        },
    },
    "DenyClaim": {"Not a fault": {"reason": "The cloth was cut."}},
    "AppealClaim": {"It was not cut": {"reason": "The photo shows a seam that has come open."}},
    "WithdrawClaim": {"It works again": {"reason": "It was only stuck."}},
}
"""By the name of the body and in few words what each is; all of them are accepted."""
