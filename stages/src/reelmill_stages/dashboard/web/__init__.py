"""The web server of the dashboard: its door, pages, API and files."""
