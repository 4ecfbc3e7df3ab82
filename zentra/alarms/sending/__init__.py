"""Out of the room: mail and signed webhooks. Nothing here opens a transaction."""
