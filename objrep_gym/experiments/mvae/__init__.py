"""The figures and the count of the MVAE document (Nash et al. 2017)."""
