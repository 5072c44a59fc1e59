"""Golla, Caspari & Oezkan 2021, Disentanglement in Variational Autoencoder: its figures, each in a file of its name."""
