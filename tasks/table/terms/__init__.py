"""Terms: what a formula, or a date, makes of the user's columns; pure data that rows of any size are put through.

`formula` turns text into data, `design` fits it to training rows and applies it, `expression` computes.
"""
