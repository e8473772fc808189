"""The rules that a table is held to, by name; each finding is a breach of one of them.

Light enough for the command line's help: importing this imports nothing.
"""

from typing import Literal

# Rules that the user may turn from an error into a warning; the affected cells or columns are then dropped.
Rule = Literal[
    "missing-target",
    "missing-values",
    "infinite-values",
    "text-in-numbers",
    "unreadable-dates",
    "uncomputable-terms",
    "mixed-types",
    "ambiguous-numbers",
    "irregular-rows",
    "unreadable-files",
    "duplicate-names",
    "unnamed-columns",
    "constant-target",
    "copied-target",
    "constant-columns",
    "duplicate-columns",
    "exact-fit",
    "left-out",
    "removed-columns",
    "retyped-columns",
    "added-columns",
    "drift",
    "detected",
    "passed-over",
]

# Rules that nothing can be fitted without; a finding of these is always an error.
Fatal = Literal["unknown-column", "unusable-column", "reserved-name", "too-few-rows", "setting"]

# Rules whose breach is a warning to begin with: a fit is possible, and says so itself where it suffers.
#
# With `strict` these are errors, too.
HARMLESS: frozenset[str] = frozenset(
    {
        "constant-columns",
        "duplicate-columns",
        "exact-fit",
        "left-out",
        "added-columns",
        "drift",
        "detected",
        "passed-over",
    }
)
