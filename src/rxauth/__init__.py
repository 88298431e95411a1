"""Authentication and authorization for software that prescribes medicine."""

__version__ = "0.1.0"
