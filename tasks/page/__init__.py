"""What people read: the result, the figures, the report."""
