"""A small payments service, the kind a shop runs: Stripe in front, Postgres behind, one webhook between them.

It is its own process (`python -m practice.wires.service`) and knows nothing of worlds, drills or runbooks.
"""
