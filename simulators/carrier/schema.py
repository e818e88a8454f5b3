"""The carrier's tables."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    service TEXT NOT NULL,
    ship_from TEXT NOT NULL,
    ship_to TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    voided INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS parcels (
    tracking_number TEXT PRIMARY KEY,
    booking_id TEXT NOT NULL REFERENCES bookings (id),
    position INTEGER NOT NULL,
    weight_grams INTEGER NOT NULL,
    scenario TEXT NOT NULL,
    moves_at REAL
);
CREATE INDEX IF NOT EXISTS parcels_booking ON parcels (booking_id, position);
CREATE INDEX IF NOT EXISTS parcels_moving ON parcels (moves_at) WHERE moves_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS used_numbers (
    tracking_number TEXT PRIMARY KEY REFERENCES parcels (tracking_number),
    sold_as TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS scans (
    sequence INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    tracking_number TEXT NOT NULL REFERENCES parcels (tracking_number),
    code TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    place TEXT NOT NULL,
    message TEXT NOT NULL,
    signed_by TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS scans_parcel ON scans (tracking_number, occurred_at);
CREATE TABLE IF NOT EXISTS areas (
    postal_code TEXT PRIMARY KEY,
    rules TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS autopilot (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    settings TEXT NOT NULL
);
"""
