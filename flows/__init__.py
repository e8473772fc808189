"""What runs: the regression flow and its command line."""

import sys

if sys.platform == "win32":  # said before the store's first import would fail for want of `fcntl`
    raise SystemExit("linear-neuron needs macOS or Linux; on Windows, run it in WSL")
