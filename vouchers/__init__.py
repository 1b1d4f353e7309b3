"""Cards: denominations, batches, serial numbers, PINs, lots and the moves they may make."""
