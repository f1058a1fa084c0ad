"""The Grafana dashboard is what Grafana's own model of a dashboard says (`grafana-foundation-sdk`).

What the model does not know is lost when it reads the dashboard and writes it again: a misspelt field, an option of
another kind of panel.
"""

import json
from pathlib import Path

import pytest

pytest.importorskip("grafana_foundation_sdk", reason="needs grafana-foundation-sdk, which the extra dev has")
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

FILE = Path(__file__).parents[2] / "service/deploy/prometheus/grafana.json"
# Grafana writes it to each variable that is a query, for its list of variables, and its model leaves it out.
NOT_IN_THE_MODEL = {"definition"}


def lost(shipped: object, known: object, place: str = "") -> list[str]:
    """The places of what is in `shipped`, and missing or different in `known`."""
    if isinstance(shipped, dict) and isinstance(known, dict):
        absent = [f"{place}/{name}" for name in shipped if name not in known and name not in NOT_IN_THE_MODEL]
        common = shipped.keys() & known.keys()
        return [*absent, *(one for name in common for one in lost(shipped[name], known[name], f"{place}/{name}"))]
    if isinstance(shipped, list) and isinstance(known, list) and len(shipped) == len(known):
        pairs = zip(shipped, known, strict=True)
        return [one for index, pair in enumerate(pairs) for one in lost(*pair, f"{place}/{index}")]
    return [] if shipped == known else [place]


def written_again(dashboard: object) -> object:
    plugins.register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def test_grafanas_model_knows_every_field_of_the_dashboard() -> None:
    shipped = json.loads(FILE.read_text(encoding="utf-8"))
    assert lost(shipped, written_again(shipped)) == []


def test_a_misspelt_option_of_a_panel_is_found() -> None:
    shipped = json.loads(FILE.read_text(encoding="utf-8"))
    index = next(index for index, panel in enumerate(shipped["panels"]) if panel["type"] == "timeseries")
    shipped["panels"][index]["options"]["legnd"] = {}
    assert lost(shipped, written_again(shipped)) == [f"/panels/{index}/options/legnd"]
