"""The ledger: the one writer, and the one judge, of audit events.

`append` writes an entry in a business transaction; `sequencing` gives entries their index and signs checkpoints;
`reading` shows them; `proving` makes proofs; `verifying` recomputes everything from the rows.
"""
