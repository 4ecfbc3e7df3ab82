"""Who verifies parties: adapters behind one Protocol. Nothing here opens a transaction."""
