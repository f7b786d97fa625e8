"""What people see. Every noun becomes a card; a card becomes text for terminals and HTML for pages."""
