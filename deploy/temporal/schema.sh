#!/bin/sh
# Bring both of Temporal's databases to the schema of this version; safe to repeat.
# The server and the password are in SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN.
set -eu

migrate() {
    # The first step makes the table of versions and leaves a newer schema as it is.
    temporal-sql-tool --db "$1" setup-schema -v 0.0
    temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

migrate temporal temporal
migrate temporal_visibility visibility
