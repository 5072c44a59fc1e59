"""Arrays become figures, tables, animations and pages; no model, no file path."""
