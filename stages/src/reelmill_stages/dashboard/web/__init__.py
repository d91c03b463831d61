"""The web server of the dashboard: request checks, pages, API and files."""
