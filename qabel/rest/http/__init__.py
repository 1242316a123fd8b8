"""HTTP below the resources: connections, requests, access control, responses, problems."""
