"""The channels: each knows its platform and nothing else."""
