"""What any daemon needs from its process and its machine. Nothing here knows Qabel."""
