"""A cursor of ADBC's as a session: rows in bulk, and answers."""

import pyarrow as pa
import pytest
from adbc_driver_sqlite import dbapi

from tasks.table.destinations.adbc_session import AdbcSession
from tasks.table.destinations.session import STAGING
from tasks.table.sources.database import Rejected


def test_rows_are_staged_where_nobody_else_sees_them_and_are_asked_for() -> None:
    with dbapi.connect(autocommit=True) as connection, connection.cursor() as cursor:
        session = AdbcSession(cursor)
        session.stage(pa.table({"id": [1, 2]}).to_reader(max_chunksize=1))
        assert session.count(f"SELECT count(*) FROM temp.{STAGING}") == 2  # noqa: S608 - a constant
        assert session.answers(f"SELECT id FROM {STAGING} WHERE id = CAST(? AS INTEGER)", "2") == [(2,)]  # noqa: S608
        with pytest.raises(Rejected, match="no such table"):
            session.execute("DELETE FROM absent")
