"""Make, rotate and end what services prove themselves with."""
