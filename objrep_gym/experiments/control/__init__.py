"""Agents on slots, on pixels and on true factors: our own tables."""
