"""One turn of the agent, room by room: scene, gates, calls, asking, thinking, ending."""
