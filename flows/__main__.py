"""`python -m flows` is the command `linear-neuron`."""

from flows.cli import main

raise SystemExit(main())
