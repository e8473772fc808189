"""Addresses with credentials in them: refused where settings are checked, and never shown in full."""

import re
from urllib.parse import unquote

# In these a name before the @ is a container's: abfss://container@account.dfs.core.windows.net/rows.parquet
CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})

# In these it is a user's, and no secret without a password.
DATABASES = frozenset({"postgresql", "postgres"})

# What a parameter is called whose value is a secret: X-Amz-Signature, sig, account_key, sas_token, password, …
SECRETS = "sig", "secret", "token", "passw", "pwd", "key", "credential", "auth"

# In a regular expression that JavaScript reads as well: the form checks with it. A colon before a number is a port's.
_COLON = r"://[^\s/?#@:'\"]*:(?!\d*[/?#]|\d*$)[^\s'\"]*(?:@|%40)"
_NAMES = "|".join(f"[{word[0]}{word[0].upper()}]{word[1:]}" for word in SECRETS)
CREDENTIALS = rf"{_COLON}|://[^\s?'\"]*\?[^\s'\"]*(?:{_NAMES})[^\s'\"=&]*="

_SCHEME = r"(?P<scheme>[a-z][a-z0-9+.-]*)"
_USER = re.compile(rf"{_SCHEME}(?:(?P<password>{_COLON})|://[^\s/?#@:'\"]+(?:@|%40))", re.IGNORECASE)
_QUERY = re.compile(
    rf"(?P<before>{_SCHEME}://[^\s?'\"]*\?)[^\s'\"]*(?:{'|'.join(SECRETS)})[^\s'\"=&]*=[^\s'\"]*",
    re.IGNORECASE,
)


_OF_STORES = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what your store has in their place"
_OF_DATABASES = "PGPASSWORD, ~/.pgpass or `password_block`"
_OF_TRACKING = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or of a database PGPASSWORD"


def redacted(text: str) -> str:
    """Replace the credentials of every address in a text.

    >>> redacted("'s3://key:secret@bucket/rows.csv' does not exist")
    "'s3://…@bucket/rows.csv' does not exist"
    >>> redacted("https://host/rows.csv?X-Amz-Signature=af31")
    'https://host/rows.csv?…'
    >>> redacted("abfss://container@account.dfs.core.windows.net/rows.csv")
    'abfss://container@account.dfs.core.windows.net/rows.csv'
    """
    return _QUERY.sub(r"\g<before>…", _USER.sub(_without_user, text))


def refuse_credentials(address: str, field: str | None = None) -> None:
    """Refuse an address that carries credentials, written out or percent-encoded.

    >>> refuse_credentials("s3://bucket/a@b.csv")
    >>> refuse_credentials("s3://key%3Asecret%40bucket/rows.csv", "data")
    Traceback (most recent call last):
    ValueError: `data` of 's3://…@bucket/rows.csv' carries credentials; take them out, and set ...

    Raises:
        ValueError: it does; the message shows it without them.
    """
    for text in (address, unquote(address)):
        whole = re.sub(
            r"[\s'\"]", "_", text
        )  # a quotation mark in a secret would end the address in a message
        if redacted(whole) != whole:
            is_database = whole.partition("://")[0].lower() in DATABASES
            variables = _OF_DATABASES if is_database else _OF_STORES
            raise ValueError(
                f"`{field or 'data'}` of {redacted(whole)!r} carries credentials; take them out, and set "
                f"{_OF_TRACKING if field == 'log_to_mlflow' else variables}"
            )


def _without_user(found: re.Match[str]) -> str:
    if found["scheme"].lower() in CONTAINERS | DATABASES and not found["password"]:
        return found[0]
    return f"{found['scheme']}://…@"
