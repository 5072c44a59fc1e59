"""The figures and the table of the ParallelVAE document (Stavarache 2019), and what was left to find out in it."""
