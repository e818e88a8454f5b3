#!/bin/sh
# Create the namespace and its search attributes where they are missing; safe to repeat.
# TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, RETENTION and SEARCH_ATTRIBUTES ("Name=Type …") are given.
set -eu

until temporal operator cluster health; do
    sleep 2
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

for attribute in $SEARCH_ATTRIBUTES; do
    # A namespace takes a moment to be known to every part of the server.
    until temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
        --name "${attribute%%=*}" --type "${attribute#*=}"; do
        sleep 2
    done
done
