"""The customers of a world: yesterday's, laid down in bulk, and today's, who pay over the real wires."""
