"""What the dashboard counts by."""

COMPATIBLE_FROM = 1

SQL = ""
