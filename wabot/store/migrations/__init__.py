"""The schema, one numbered module a step. Each step is additive: a new table, index or column with
a literal default, so that the version before it still runs on the newer file."""
