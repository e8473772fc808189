"""Credentials in an address: found however they are written, and taken out of whatever is shown."""

import pytest
from pydantic import ValidationError

from tasks.config import Input, Prediction, Settings
from tasks.table.sources.address import redacted

SECRET = "TOPSECRET"  # noqa: S105 - what must not be seen
CARRYING = {
    "s3://AKIAKEY:TOPSECRET@bucket/rows.csv": "s3://…@bucket/rows.csv",
    "s3://AKIAKEY:TOP/TOPSECRET+x==@bucket/rows.csv": "s3://…@bucket/rows.csv",
    "s3://AKIAKEY:TOPSECRET%40x@bucket/rows.csv": "s3://…@bucket/rows.csv",
    "s3://AKIAKEY:TOPSECRET%40bucket/rows.csv": "s3://…@bucket/rows.csv",
    "s3://AKIAKEY%3ATOPSECRET%40bucket/rows.csv": "s3://…@bucket/rows.csv",
    "s3://AKIAKEY:TOP'TOPSECRET@bucket/rows.csv": "s3://…@bucket/rows.csv",
    "https://TOPSECRET@host/rows.csv": "https://…@host/rows.csv",
    "abfss://container:TOPSECRET@account/rows.csv": "abfss://…@account/rows.csv",
    "https://host/rows.csv?X-Amz-Signature=TOPSECRET": "https://host/rows.csv?…",
    "https://host/rows.csv?page=2&sig=TOPSECRET": "https://host/rows.csv?…",
    "az://container/rows.csv?account_key=TOPSECRET&page=2": "az://container/rows.csv?…",
    "gs://bucket/rows.csv?X-Goog-Credential=TOPSECRET": "gs://bucket/rows.csv?…",
}
PLAIN = [
    "rows.csv",
    "mail@home:1/rows.csv",
    "s3://bucket/a@b.csv",
    "s3://bucket/time=10:20@x/rows.csv",
    "https://host:8080/a@b.csv",
    "https://host/rows.csv?page=2",
    "abfss://container@account.dfs.core.windows.net/rows.csv",
]


@pytest.mark.parametrize(("address", "shown"), CARRYING.items())
def test_an_address_with_credentials_is_refused_without_repeating_them(address: str, shown: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"input": {"data": address, "target": "y"}})
    assert f"`data` of '{shown}' carries credentials; take them out" in str(caught.value)
    assert SECRET not in str(caught.value)
    with pytest.raises(ValidationError) as caught:
        Prediction(model="latest", data=address, output="out.csv")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("address", PLAIN)
def test_an_address_without_credentials_is_as_it_was(address: str) -> None:
    assert Input(data=address, target="y").data == address
    assert redacted(f"`data` of '{address}' does not exist") == f"`data` of '{address}' does not exist"


def test_every_address_in_a_text_is_redacted() -> None:
    text = "linear-neuron run --data='s3://k:s@bucket/a.csv' --artifacts=s3://k:s@bucket/store"
    assert redacted(text) == "linear-neuron run --data='s3://…@bucket/a.csv' --artifacts=s3://…@bucket/store"


def test_what_is_redacted_stays_so() -> None:
    assert [redacted(shown) for shown in CARRYING.values()] == list(CARRYING.values())
