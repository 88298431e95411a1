"""A Django project with django-oauth-toolkit, as its tutorial makes one; the environment says where its database is."""

import os

SECRET_KEY = os.environ["PEER_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PEER_DATABASE_HOST"],
        "USER": os.environ["PEER_DATABASE_USER"],
        "NAME": os.environ["PEER_DATABASE_NAME"],
        "CONN_MAX_AGE": None,  # by default each request connects anew, which would be what is measured
    }
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The first one is Django's default, and so is what a secret is hashed with that nobody chose a hasher for.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "hashers.Sha256"]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": os.environ["PEER_PRIVATE_KEY"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 86_400,
    "SCOPES": {
        "openid": "OpenID Connect",
        "introspection": "Introspection",
        **{name: name for name in os.environ["PEER_SCOPE"].split()},
    },
}
