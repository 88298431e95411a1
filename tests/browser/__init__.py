"""Real pages and real clients in Chromium."""
