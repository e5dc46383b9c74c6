"""Tenancy's rules, as verbs: sign in, members, API keys, devices, workspaces. One module a noun."""
