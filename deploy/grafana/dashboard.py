"""Print Grafana's JSON of dashboard.yml, which stands beside this file."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "prometheus"}
ALERTS = {
    "name": "Alerts",
    "datasource": SOURCE,
    "enable": True,
    "iconColor": "red",
    "expr": 'ALERTS{alertstate="firing"}',
    "titleFormat": "{{alertname}}",
}


def _defaults(panel: dict[str, Any]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if "red_above" in panel:
        # Grafana colours from the value on, our alerts fire above it.
        steps.append({"color": "red", "value": panel["red_above"] or 1e-9})
    defaults = {
        "unit": panel.get("unit", "short"),
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if "stat" not in panel:
        defaults["custom"] = {"fillOpacity": 10, "showPoints": "never", "spanNulls": False}
    return defaults


def _render(panel: dict[str, Any], number: int, place: dict[str, int]) -> dict[str, Any]:
    queries = panel.get("queries") or {panel["title"]: panel["stat"]}
    return {
        "id": number,
        "type": "stat" if "stat" in panel else "timeseries",
        "title": panel["title"],
        "description": panel["why"],
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": expr.replace("$rate", "[$__rate_interval]"),
                "legendFormat": legend,
            }
            for index, (legend, expr) in enumerate(queries.items())
        ],
    }


def _layout(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        head = {"id": len(panels) + 1, "type": "row", "title": row["row"], "panels": []}
        panels.append({**head, "collapsed": False, "gridPos": place})
        small = "stat" in row["panels"][0]
        across, height = (6, 4) if small else (3, 8)
        width = WIDTH // across
        for index, panel in enumerate(row["panels"]):
            down, right = divmod(index, across)
            place = {"x": right * width, "y": y + 1 + down * height, "w": width, "h": height}
            panels.append(_render(panel, len(panels) + 1, place))
        y += 1 + -(-len(row["panels"]) // across) * height
    return panels


def dashboard(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the dashboard that shows ``rows`` (the content of dashboard.yml)."""
    return {
        "uid": "stateset",
        "title": "StateSet",
        "tags": ["stateset"],
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": []},
        "annotations": {"list": [ALERTS]},
        "panels": _layout(rows),
    }


if __name__ == "__main__":
    source = Path(__file__).with_suffix(".yml").read_text()
    json.dump(dashboard(yaml.safe_load(source)), sys.stdout, indent=1)
    sys.stdout.write("\n")
