"""FastAGI: Asterisk connects, and is led through the phone menu."""
