"""Agents of stable-baselines3 that act on slots: extractors, presets, learning and evaluation."""
