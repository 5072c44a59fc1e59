"""Berriel 2022, "Learning disentangled representations of scenes from images": one file for each table or figure."""
