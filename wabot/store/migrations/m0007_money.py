"""Rate cards, and what a day cost."""

COMPATIBLE_FROM = 1

SQL = ""
