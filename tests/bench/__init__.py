"""Measurements, by `./runbook bench NAME`: a table, and as the last line one line of JSON with every figure."""
