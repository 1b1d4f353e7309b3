"""What must hold when processes die, and where no PIN may ever lie."""
