"""Orders, their lines, and their ratings."""

COMPATIBLE_FROM = 1

SQL = ""
