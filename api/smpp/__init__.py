"""SMPP 3.4: texts come and go over one connection that we hold to a centre."""
