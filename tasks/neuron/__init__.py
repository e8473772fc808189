"""The numbers: recipes, SGD, least squares and metrics; no Prefect, no files, nothing of the other rooms."""
