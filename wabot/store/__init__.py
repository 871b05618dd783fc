"""What we remember: nouns. The only folder that speaks SQL."""
