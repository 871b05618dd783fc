"""The cache, what has to be fetched for it, and welcome bootstraps."""

COMPATIBLE_FROM = 1

SQL = ""
