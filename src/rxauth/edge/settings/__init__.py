"""The settings pages: each is a GraphQL document and a template, so that none can do what the API cannot."""
