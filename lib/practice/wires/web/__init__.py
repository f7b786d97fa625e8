"""The shop's web part, the kind that is built once and then served: a page, and in it the publishable key."""
