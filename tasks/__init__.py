"""The stages of the regression flow, one module each, over the rooms `table`, `neuron`, `store` and `page`."""

import os

# One BLAS thread for each thread of ours: the matrix products are of a few columns and rows in the cache, and several
# threads for one of them would mostly wait for each other, on a busy machine a hundred times as long as they compute.
# OpenBLAS reads this when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
