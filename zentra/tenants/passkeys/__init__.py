"""Passkeys (WebAuthn, level 3): kept beside the authenticator as another second factor, and both factors at sign-in.

Every one is discoverable and every use takes user verification (a fingerprint, a PIN), so that a passkey alone is
something that one has and something that one is or knows. The verification is python-fido2's.
"""
