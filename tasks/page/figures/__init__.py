"""The report's figures, one module each.

To add one, write a module with a `PLOT` (see `plot.py`) and name it in the list of `catalogue.py`.
"""
