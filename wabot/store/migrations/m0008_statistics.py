"""Nothing: `message_day` finds what the dashboard counts, and one more index would cost every webhook's write. The
number was given away before that was measured."""

COMPATIBLE_FROM = 1

SQL = ""
