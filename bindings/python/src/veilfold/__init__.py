"""Veilfold."""
