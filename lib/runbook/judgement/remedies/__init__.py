"""Kinds of cure. Each is pure: facts in, a Plan out; it says in words what will happen and what cannot be undone."""
