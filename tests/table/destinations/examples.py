"""Rows of every type that people's tables have, and what PostgreSQL calls it."""

from datetime import UTC, date, datetime

import pyarrow as pa

TYPED = pa.table(
    {
        "whole": pa.array([1, 2], pa.int64()),
        "small": pa.array([3, None], pa.int32()),
        "number": pa.array([0.1, None], pa.float64()),
        "single": pa.array([0.5, None], pa.float32()),
        "flag": pa.array([True, None]),
        "text": pa.array(["é'\"", None]),
        "day": pa.array([date(2026, 1, 31), None]),
        "moment": pa.array([datetime(2026, 1, 31, 1, 2, 3, 4), None], pa.timestamp("us")),  # noqa: DTZ001
        "instant": pa.array([datetime(2026, 1, 31, 1, 2, 3, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "level": pa.array(["u", None]).dictionary_encode(),
        "bytes": pa.array([b"\0x", None]),
    }
)
TYPES = dict(
    zip(
        TYPED.column_names,
        [
            "bigint",
            "integer",
            "double precision",
            "real",
            "boolean",
            "text",
            "date",
            "timestamp without time zone",
            "timestamp with time zone",
            "text",
            "bytea",
        ],
        strict=True,
    )
)
