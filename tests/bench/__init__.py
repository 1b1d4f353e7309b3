"""The benchmark's own tests: that it counts, checks and refuses. No test looks at a speed."""
