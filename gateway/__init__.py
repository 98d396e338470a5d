"""The roof: the process that puts the parts together and serves them."""
