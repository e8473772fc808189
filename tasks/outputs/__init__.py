"""What lies between stages, typed: the only place that knows a file's or a fact's name."""
