"""Figures are judged as pictures: decoded, measured, looked at by colour."""

from io import BytesIO

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imread


def pixels(png: bytes) -> np.ndarray:
    """Decode to (height, width, 3 or 4) in 0..1."""
    return imread(BytesIO(png), format="png")


def near(png: bytes, colour: str) -> int:
    """Count the pixels whose hue is a mixture of white and the colour."""
    picture = 1 - pixels(png)[..., :3]
    wanted = 1 - np.array(to_rgb(colour))
    strength = picture @ wanted / (wanted @ wanted)
    away = np.abs(picture - strength[..., None] * wanted).max(axis=-1)
    return int(((strength > 0.3) & (away < 0.1)).sum())
