#!/bin/sh
# Write example.env with every blank filled by a new random secret: deploy/new-env.sh [FILE], else .env
# Only its owner can read the file. One that exists is never written over: it holds the passwords.
set -euC
umask 077
made=${1:-.env}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# A link that leads nowhere is no file yet, and what it names would be written.
if [ -e "$made" ] || [ -L "$made" ]; then
    echo "$0: $made exists and is left as it is" >&2
    exit 1
fi
# noclobber (-C) refuses what came into being meanwhile.
while IFS= read -r line; do
    case $line in
        # Standard Webhooks: whsec_ and base64. 48 hexadecimal digits are valid base64, too.
        [A-Z]*_WEBHOOK_SECRET=) printf '%swhsec_%s\n' "$line" "$(random)" ;;
        [A-Z]*=) printf '%s%s\n' "$line" "$(random)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < "$(dirname "$0")/example.env" > "$made"
