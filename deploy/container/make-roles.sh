#!/usr/bin/env bash
# Makes the three roles and the database, when PostgreSQL starts for the first time.
set -euo pipefail
owner_password=$(cat "${SECRETS:=/run/secrets}/owner-password")
serving_password=$(cat "$SECRETS/serving-password")
psql --set ON_ERROR_STOP=1 --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set owner_password="$owner_password" --set serving_password="$serving_password" <<'SQL'
CREATE ROLE rxauth_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE rxauth_serving LOGIN PASSWORD :'serving_password';
CREATE ROLE rxauth_across NOLOGIN;
GRANT rxauth_across TO rxauth_serving;
CREATE DATABASE rxauth OWNER rxauth_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE rxauth FROM PUBLIC;
GRANT CONNECT ON DATABASE rxauth TO rxauth_serving;
SQL
