"""Moments as the arrays of an npz file, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Moments


def as_arrays(moments: Moments) -> dict[str, NDArray[Any]]:
    """Return the moments' parts by name; those that they lack are left out."""
    known = {field.name: getattr(moments, field.name) for field in fields(Moments)}
    return {name: np.asarray(value) for name, value in known.items() if value is not None}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Moments:
    """Return the moments; other arrays in the file are left alone."""
    single = ("rows", "weight")
    names = [field.name for field in fields(Moments) if field.name not in single]
    numbers: dict[str, Any] = {name: np.asarray(arrays[name], np.float64) for name in names}
    weight = float(arrays["weight"].item()) if "weight" in arrays else None
    return Moments(rows=int(arrays["rows"].item()), **numbers, weight=weight)
