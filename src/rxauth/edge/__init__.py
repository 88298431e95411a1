"""HTTP in, HTTP out. It knows Starlette, and decides nothing."""
