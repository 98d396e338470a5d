"""How declared tools are called. Credentials live here and go no further."""
