"""What runs: the regression flow and its command line."""
