"""Bodies from the models outwards: what the description of the API allows, by Hypothesis."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


class Describing:
    """Strategies for the schemas of one description."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Any] = description["components"]["schemas"]

    def bodies(self, schema: Mapping[str, Any], at: int, count: int) -> list[Any]:
        """Return about ``count`` values that a schema allows, the same for the same seed ``at``."""
        made: list[Any] = []

        @seed(at)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(self.of(schema))
        def collect(body: Any) -> None:
            made.append(body)

        collect()
        return made

    def of(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        """Return a strategy for a schema."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return st.deferred(lambda: self.of(self._schemas[name]))
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            return st.one_of([self.of(option) for option in options])
        made = {"object": self._object, "array": self._array, "string": self._string}
        if schema.get("type") in made:
            return made[schema["type"]](schema)
        least, most = schema.get("minimum"), schema.get("maximum")
        plain = {
            "integer": st.integers(least, most),
            "number": st.floats(least, most),
            "boolean": st.booleans(),
            "null": st.none(),
        }
        return plain.get(schema.get("type", ""), ANYTHING)

    def _object(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        given = {name: self.of(each) for name, each in schema.get("properties", {}).items()}
        needed = set(schema.get("required", ()))
        required = {name: each for name, each in given.items() if name in needed}
        others = {name: each for name, each in given.items() if name not in needed}
        if not given:
            return st.dictionaries(st.text(max_size=50), st.text(max_size=600), max_size=25)
        return st.fixed_dictionaries(required, optional=others)

    def _array(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 3), least + 3)
        return st.lists(self.of(schema.get("items", {})), min_size=least, max_size=most)

    def _string(self, schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
        known = {
            "uuid": st.uuids().map(str),
            "date-time": st.datetimes(timezones=st.timezones()).map(
                lambda moment: moment.isoformat()
            ),
        }
        if schema.get("format") in known:
            return known[schema["format"]]
        least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
        if pattern := schema.get("pattern"):
            return st.from_regex(pattern).map(lambda text: text[:most])
        return st.text(min_size=least, max_size=max(least, min(most, 2000)))
