"""What the gateway costs, measured side by side with the least that the same libraries can do."""
