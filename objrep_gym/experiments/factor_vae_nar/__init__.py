"""Disentangling Symbols and Movements: Factor-VAE on NAR Dataset (Swain & Mahajan 2022)."""
