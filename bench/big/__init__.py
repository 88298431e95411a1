"""The Clinical API at the size of a real organization: the data, the load and the figures."""
