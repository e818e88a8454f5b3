#!/bin/sh
# Create the namespace where it is missing and wait until the server knows it; safe to repeat.
# TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and RETENTION are given.
set -eu

until temporal operator cluster health; do
    sleep 2
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

until temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE"; do
    sleep 2
done
