"""Gymnasium environments: a scene is acted upon. Nothing here needs torch."""
