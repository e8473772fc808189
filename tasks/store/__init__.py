"""The files: artifact records, formats, atomic writes, verification. Knows nothing of Prefect or of the numbers."""
