"""What live computes: plain Python, no Django, no vendor."""
