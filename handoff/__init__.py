"""People's side: the relay between a conversation and the desk where the team works."""
