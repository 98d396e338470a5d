"""The conversation bus: one shape in, one conversation at a time, one transaction out."""
