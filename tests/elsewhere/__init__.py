"""The wrappers on environments that no one here wrote; what is not installed is skipped, by name."""
