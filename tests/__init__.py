"""The tests, by place; see docs/decisions for how they are arranged."""
