"""docs/operations.md says what the settings are."""

import json
import re
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from gateways.partners import PARTNERS
from runtime.settings import Settings
from tests.checks.outcome import ROOT, refuse

ROW = re.compile(r"^\| `(STATESET_\w+)` \| ([^|]*) \|", re.MULTILINE)


def check_operations_lists_every_setting_with_its_default() -> None:
    written = dict(ROW.findall((ROOT / "docs/operations.md").read_text()))
    fields = {
        f"{kind.model_config.get('env_prefix')}{name.upper()}": field.default
        for kind in (Settings, *(partner.settings for partner in PARTNERS.values()))
        for name, field in kind.model_fields.items()
    }
    findings = [f"there is no setting {name}" for name in written.keys() - fields.keys()]
    for name, default in fields.items():
        if name not in written:
            findings.append(f"{name} is missing (default: {shown(default)})")
        elif written[name].strip() != shown(default):
            findings.append(f"{name}: the default is {shown(default)}")
    refuse(sorted(findings))


def shown(default: Any) -> str:
    """Return how the table shows a default."""
    if default is None:
        return "-"
    if isinstance(default, SecretStr):
        return "the sandbox's"
    if isinstance(default, timedelta):
        return f"{default.total_seconds():.10g} s"
    return f"`{json.dumps(default) if isinstance(default, dict) else default}`"
