"""What Prefect's server knows of the flow runs of a test; it serves all tests of a process, so others' are left out."""

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
)
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.client.schemas.sorting import FlowRunSort

PAGE = 200  # the most that the server gives at once


def last_runs(flow: str, number: int = PAGE) -> list[FlowRun]:
    """Return the runs of a flow that began last, at most so many, the last first."""
    begun = FlowRunFilter(start_time=FlowRunFilterStartTime(is_null_=False))
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
            flow_run_filter=begun,
            sort=FlowRunSort.START_TIME_DESC,
            limit=number,
        )


def artifacts_of(*runs: UUID, key: str | None = None) -> list[Artifact]:
    """Return the artifacts of these flow runs, or those under one key."""
    wanted = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=list(runs)),
        key=None if key is None else ArtifactFilterKey(any_=[key]),
    )
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted, limit=PAGE)
    assert len(found) < PAGE
    return found
