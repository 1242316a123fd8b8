"""Drop servers, seen from here: the only place that speaks HTTP to others."""
