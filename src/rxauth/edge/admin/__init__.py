"""The operator console: pages for the platform's own staff, who see and do what `domain.console` lets them."""
