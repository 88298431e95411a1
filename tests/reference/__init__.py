"""The pages that the site's build generates."""
