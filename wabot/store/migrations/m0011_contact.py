"""The number to call about an order of a customer whom nobody knows by one."""

COMPATIBLE_FROM = 1

SQL = """
ALTER TABLE orders ADD COLUMN contact TEXT NOT NULL DEFAULT '';
"""
