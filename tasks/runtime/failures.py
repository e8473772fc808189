"""What keeps work on parts from being done; apart, since the command line knows it before anything is loaded."""


class WorkersFailed(Exception):
    """Those that should work on the parts cannot; the message says which, why, and what to do."""
