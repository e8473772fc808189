"""Runs the stages: cache keys, records, progress. Beside `flows/` and the stages the only place that knows Prefect."""
