"""The list of all plots. It imports Matplotlib, which takes a second: import it only to draw."""

from tasks.outputs.result import Figure
from tasks.page.figures import diagnostics, effects, loss, predictions, residuals
from tasks.page.figures.plot import PlotData

# In the order in which they appear within their sections.
PLOTS = (effects.PLOT, predictions.PLOT, diagnostics.PLOT, residuals.PLOT, loss.PLOT)


def draw_all(data: PlotData) -> list[tuple[bytes, Figure]]:
    """Draw every plot for which there are data; return each picture with its record."""
    return [
        (
            drawing.image,
            Figure(
                file=plot.file,
                section=plot.section,
                worth=plot.worth,
                caption=drawing.caption,
                alt=drawing.alt,
            ),
        )
        for plot in PLOTS
        if (drawing := plot.draw(data))
    ]
