"""The Clinical API: GraphQL, without HTTP and without SQL."""
