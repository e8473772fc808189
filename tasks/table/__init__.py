"""The rows: reading the user's table, choosing columns, validating them, dealing rows to training and test.

Nothing here writes a file, imports another room, Prefect or TensorFlow.
"""
