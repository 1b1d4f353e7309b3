"""Tests of customer service, over cards and money together."""
