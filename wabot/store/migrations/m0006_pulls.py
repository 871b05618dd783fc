"""Schedules and runs of usage pulls."""

COMPATIBLE_FROM = 1

SQL = ""
