"""What services prove themselves with: API keys, OAuth clients and their tokens, certificates, end users' tokens."""
