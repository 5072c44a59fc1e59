"""Wrappers: observations become slots. Import from the files; those without an encoder need no torch."""
