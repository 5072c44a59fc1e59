"""Swain & Mahajan 2022, "Disentangling symbols and movements": one file for each figure or section."""
