"""Object-centric observations for gymnasium. Importing it registers the environments and loads nothing heavy."""

__version__ = "0.1.0"
