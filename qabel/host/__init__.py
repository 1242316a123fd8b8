"""What any daemon needs of its process and its machine. Nothing here knows Qabel."""
