#!/bin/bash
# Runs once, on an empty volume: a database for the product and two for Temporal, each with its own
# owner. Our processes are a third role, which reads and writes rows but changes no table.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner="$STATESET_OWNER_PASSWORD" --set app="$STATESET_APP_PASSWORD" \
    --set temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE stateset_owner LOGIN PASSWORD :'owner';
CREATE ROLE stateset_app LOGIN PASSWORD :'app';
CREATE ROLE temporal LOGIN PASSWORD :'temporal';

CREATE DATABASE stateset OWNER stateset_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

REVOKE CONNECT ON DATABASE stateset, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE stateset TO stateset_app;

\connect stateset
-- The size of the write-ahead log is watched.
GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO stateset_app;
GRANT USAGE ON SCHEMA public TO stateset_app;
ALTER DEFAULT PRIVILEGES FOR ROLE stateset_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO stateset_app;
ALTER DEFAULT PRIVILEGES FOR ROLE stateset_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO stateset_app;
SQL
