"""What the product does: verbs. Knows no door, no vendor and no SQL."""
