"""The fitted model over the user's own columns: JSON, SQL, and predictions for other rows."""
