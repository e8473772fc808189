"""The rows: reading the user's table, choosing and validating columns, splitting and encoding rows, predicting them.

Nothing here writes a file but a database's, imports another room, Prefect or TensorFlow.
"""
