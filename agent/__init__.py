"""The agent: reads a message, looks things up, calls tools under policy, and answers, asks or stops."""
