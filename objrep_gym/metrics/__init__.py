"""Pure functions of arrays: how well scenes were taken apart and drawn again, and what that cost."""
