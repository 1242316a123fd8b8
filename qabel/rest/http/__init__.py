"""HTTP below the resources: connections, requests, access control, answers, problems."""
