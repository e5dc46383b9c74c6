"""Every query of inspection, by noun. In: a unit of work and ids or filters. Out: frozen values of the model.

Rows never leave this package, and no function takes a tenant: the unit of work's caller is the only one there is.
"""
