"""The endpoints, each a plain function from a request to an answer or an error."""
