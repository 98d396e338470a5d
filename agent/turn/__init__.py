"""One turn of the agent, room by room.

hearing (what the customer did) and executing (what a memo started) lead to answering; on its way it passes gates, values (look-ups),
calls (tools under policy), asking (what waits for a word), thinking (the model), preview and telling (words); ending makes it a Turn.
scene is what all of them see.
"""
