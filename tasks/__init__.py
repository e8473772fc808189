"""The stages of the regression flow, one module each, over the rooms `table`, `neuron`, `store` and `page`."""
