"""A route as a value: what is asked and answered, who may, and OpenAPI made of it."""
