"""The checksum that a JSON object carries of itself."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tasks.store.checksum import NAME, checksum_of

VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
OBJECTS = st.dictionaries(
    st.text(), VALUES | st.lists(VALUES) | st.dictionaries(st.text(), VALUES), max_size=5
)


@given(OBJECTS)
def test_it_survives_writing_in_any_order_and_spacing(content: dict[str, object]) -> None:
    """And its own place among the names."""
    expected = checksum_of(content)  # type: ignore[arg-type]
    signed = dict(reversed([*content.items()])) | {NAME: expected}
    assert checksum_of(json.loads(json.dumps(signed, indent=3))) == expected


@given(OBJECTS, st.text().filter(lambda name: name != NAME), VALUES)
def test_any_other_content_has_another(content: dict[str, object], name: str, value: object) -> None:
    changed = content | {name: [value, "more"]}
    if json.dumps(changed) != json.dumps(content):
        assert checksum_of(changed) != checksum_of(content)  # type: ignore[arg-type]
