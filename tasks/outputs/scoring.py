"""What the flow `scoring` has to say of one time that it predicted rows."""

from pydantic import Field

from tasks.outputs.result import ColumnDrift, Record


class ScoringResult(Record):
    """Rows that were predicted: by which model, where they are, and what was amiss with them."""

    name: str = Field(description="Name of what is modelled.")
    model: dict[str, str] = Field(
        description="Where the model comes from; empty for a file that is no run's."
    )
    column: str = Field(description="Where the predictions stand.")
    output: str = Field(description="The file or the table, in words.")
    rows: int
    predicted: int = Field(description="Rows that have a prediction.")
    lowest: float | None = Field(description="Smallest prediction; None without any.")
    mean: float | None
    highest: float | None
    drift: list[ColumnDrift] = Field(
        default=[], description="How far some of the rows are from the model's training rows, by feature."
    )
    notes: list[str] = Field(description="Which rows have no prediction and why, and what was passed over.")

    @property
    def drifted(self) -> list[ColumnDrift]:
        """The features that are far from the training rows, the furthest first."""
        return sorted((each for each in self.drift if each.drifted), key=lambda each: -each.psi)

    @property
    def line(self) -> str:
        """All of it in a line, for lists."""
        lost = self.rows - self.predicted
        which = f"{self.model['version']}, " if "version" in self.model else ""
        run = f"run {self.model['run']}" if "run" in self.model else "a file"
        span = "" if self.lowest is None else f", {self.lowest:.4g} to {self.highest:.4g}"
        without = f", {lost:,} without a prediction" if lost else ""
        drifted = f", {len(self.drifted)} of {len(self.drift)} features drifted" if self.drifted else ""
        return f"{self.rows:,} rows by {self.name}, {which}{run}{without}{span}{drifted}"
