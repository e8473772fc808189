"""What the terminal runs: `linear-neuron` and its subcommands."""
