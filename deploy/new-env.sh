#!/bin/sh
# Print example.env with every blank filled by a new random secret: deploy/new-env.sh > .env
set -eu
umask 077

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

while IFS= read -r line; do
    case $line in
        # Standard Webhooks: whsec_ and base64. 48 hexadecimal digits are valid base64, too.
        [A-Z]*_WEBHOOK_SECRET=) printf '%swhsec_%s\n' "$line" "$(random)" ;;
        [A-Z]*=) printf '%s%s\n' "$line" "$(random)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < "$(dirname "$0")/example.env"
