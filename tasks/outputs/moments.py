"""Moments as the arrays of an npz file, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Moments


def as_arrays(moments: Moments) -> dict[str, NDArray[Any]]:
    """Return the moments' parts by name."""
    return {field.name: np.asarray(getattr(moments, field.name)) for field in fields(Moments)}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Moments:
    """Return the moments; other arrays in the file are left alone."""
    numbers = {field.name: np.asarray(arrays[field.name], np.float64) for field in fields(Moments)}
    del numbers["rows"]
    return Moments(rows=int(arrays["rows"].item()), **numbers)
