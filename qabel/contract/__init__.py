"""Routes as values: requests and responses, who may make them, and OpenAPI from all that."""
