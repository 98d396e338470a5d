"""Configuration: what the operator wrote, checked whole, with the file and line of every mistake."""
