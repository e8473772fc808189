"""`python -m flows` is the command `linear-neuron`."""

from flows.command.cli import main

raise SystemExit(main())
