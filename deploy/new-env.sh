#!/bin/sh
# Write example.env with every blank filled by a new random secret: deploy/new-env.sh [FILE], else
# the .env beside docker-compose.yml, from wherever it is called. It writes the file itself, for its
# owner alone to read, and never over one that exists, because that holds the passwords. Called with
# a `>` the shell has emptied the file before this script could look.
set -euC
umask 077
here=$(dirname "$0")

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

refuse() {
    echo "$0: $1" >&2
    exit 1
}

case $#${1:+ $1} in
    0 | "1 "[!-]*) made=${1:-$(cd "$here/.." && pwd)/.env} ;;
    *) refuse "call it with the name of one file, or with none for .env beside docker-compose.yml" ;;
esac
if [ -f /dev/stdout ]; then
    refuse "it writes the file itself: call it without >, and get back from your secret store what
the shell has emptied"
fi
# A link that leads nowhere is no file yet, and what it names would be written.
if [ -e "$made" ] || [ -L "$made" ]; then
    refuse "$made exists and is left as it is"
fi
# noclobber (-C) refuses what came into being meanwhile.
while IFS= read -r line; do
    case $line in
        # Standard Webhooks: whsec_ and base64. 48 hexadecimal digits are valid base64, too.
        [A-Z]*_WEBHOOK_SECRET=) printf '%swhsec_%s\n' "$line" "$(random)" ;;
        # An id and 32 bytes in base64.
        [A-Z]*_PAYLOAD_KEYS=) printf '%sk1:%s\n' "$line" "$(head -c 32 /dev/urandom | base64)" ;;
        [A-Z]*=) printf '%s%s\n' "$line" "$(random)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done < "$here/example.env" > "$made"
echo "$made"
